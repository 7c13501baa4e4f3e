# Two images: `docker build --target service .` for the service and its workers, `--target agent` for agents.
ARG PYTHON=3.11
ARG TERRAFORM=1.14

FROM python:${PYTHON}-slim-bookworm AS build
WORKDIR /source
COPY setup.py setup.cfg pyproject.toml MANIFEST.in README.md LICENSE wsgi.py gunicorn.conf.py ./
COPY .ci/constraints.txt .ci/constraints.txt
COPY migrations migrations
COPY app app
# Compiled here, because the root of the container is read-only later.
RUN python -m venv /opt/groundplan \
    && /opt/groundplan/bin/pip install --no-cache-dir --constraint .ci/constraints.txt '.[psycopg,kubernetes]' \
    && /opt/groundplan/bin/python -m compileall -q /opt/groundplan/lib

FROM python:${PYTHON}-slim-bookworm AS service
# Volumes that are empty take over the owner of the folder. The last one is for the token of an agent.
RUN useradd --uid 1000 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin groundplan \
    && install -d -o groundplan -g groundplan -m 0700 \
        /var/lib/groundplan /var/lib/groundplan-agent /var/lib/groundplan-token
COPY --from=build /opt/groundplan /opt/groundplan
ENV PATH=/opt/groundplan/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    HOST=0.0.0.0 \
    PORT=8080 \
    GROUNDPLAN_HOME=/var/lib/groundplan \
    GROUNDPLAN_AGENTS=0
USER 1000:1000
WORKDIR /var/lib/groundplan
EXPOSE 8080
HEALTHCHECK --interval=20s --timeout=5s --start-period=60s --retries=3 CMD ["groundplan", "healthcheck"]
CMD ["groundplan", "serve"]

FROM hashicorp/terraform:${TERRAFORM} AS terraform

FROM service AS agent
COPY --from=terraform /bin/terraform /usr/local/bin/terraform
# The container is the sandbox: it runs one job at a time and nothing else.
ENV GROUNDPLAN_SANDBOX=container \
    GROUNDPLAN_AGENT_SLOTS=1 \
    GROUNDPLAN_AGENT_HOME=/var/lib/groundplan-agent
WORKDIR /var/lib/groundplan-agent
HEALTHCHECK NONE
# It finishes the job that it has.
STOPSIGNAL SIGTERM
CMD ["groundplan", "agent"]
