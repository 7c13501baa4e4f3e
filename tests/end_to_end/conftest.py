"""A running server on each kind of database, and clients of it."""

import secrets
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import httpx
import pytest
from pytfe import TFEClient
from pytfe.models import OrganizationCreateOptions

from tests.conftest import NewDatabase
from tests.end_to_end.service import NO_CERTIFICATES, SECONDS_TO_ANSWER, Service, sdk
from tests.end_to_end.story import Cast
from tests.end_to_end.terraform import Terraform
from tests.support.receivers import Receiver, receiving


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows what the server logged below a failure."""
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, Service):
                report.sections.append(("log of the service", value.last_log_lines()))
    return report


@pytest.fixture(scope="session", autouse=True)
def no_proxy_between_client_and_server() -> Iterator[None]:
    """The SDK would obey the proxy settings of the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setenv("no_proxy", "127.0.0.1")
        yield


@pytest.fixture(scope="session")
def installed(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that is installed and never started: the others are copies, because to install takes seconds."""
    with new_database() as url:
        yield Service(tmp_path_factory.mktemp("installed"), url).install()


@pytest.fixture(scope="session")
def service(
    installed: Service,
    new_database: NewDatabase,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """One server that the tests of a kind of database share; it must end cleanly after them."""
    with new_database(installed.database_url) as url:
        running = Service(tmp_path_factory.mktemp("service"), url).install_as(installed).start()
        yield running
        assert running.stop() == 0, running.last_log_lines()


@pytest.fixture(scope="session")
def mortal_service(
    installed: Service,
    new_database: NewDatabase,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """Another server for the tests of a kind of database, which may stop and kill it if they start it again."""
    with new_database(installed.database_url) as url:
        running = Service(tmp_path_factory.mktemp("mortal"), url).install_as(installed).start()
        yield running
        assert running.stop() == 0, running.last_log_lines()


@pytest.fixture(scope="session")
def calling_service(
    installed: Service,
    new_database: NewDatabase,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """A server with a worker, whose webhooks may lead to this machine."""
    with new_database(installed.database_url) as url:
        made = Service(tmp_path_factory.mktemp("calling"), url, workers=1).install_as(installed)
        made.set(GROUNDPLAN_WORKERS="1", GROUNDPLAN_OUTBOUND_PRIVATE="127.0.0.1/32", GROUNDPLAN_URL=made.url)
        running = made.start()
        yield running
        assert running.stop() == 0, running.last_log_lines()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Takes the requests of the service."""
    with receiving() as found:
        yield found


@pytest.fixture
def own_service(
    installed: Service,
    new_database: NewDatabase,
    tmp_path: Path,
) -> Iterator[Service]:
    """A server of the test's own, to stop and to kill; with one process, because it starts often."""
    with new_database(installed.database_url) as url:
        running = Service(tmp_path, url, workers=1).install_as(installed).start()
        yield running
        if running.is_running():
            running.kill()


@pytest.fixture
def tfe(service: Service) -> Iterator[TFEClient]:
    """The official SDK with the first user's token."""
    with sdk(service, service.user_token) as client:
        yield client


@pytest.fixture
def http(service: Service) -> Iterator[httpx.Client]:
    """A plain HTTP client with the first user's token, for what the SDK can't ask."""
    with service.client(service.user_token) as client:
        yield client


@pytest.fixture
def browser() -> Iterator[httpx.Client]:
    """Keeps cookies and follows redirects, as a browser does."""
    with httpx.Client(
        timeout=SECONDS_TO_ANSWER, trust_env=False, verify=NO_CERTIFICATES, follow_redirects=True
    ) as client:
        yield client


@pytest.fixture(scope="session")
def cast(service: Service) -> Iterator[Cast]:
    """The people that the stories are told with."""
    people = Cast(service)
    yield people
    people.close()


@pytest.fixture
def terraform(service: Service, tmp_path: Path) -> Callable[..., Terraform]:
    """Makes folders to run the terraform CLI in, with the first user's token unless another is given."""

    def make(name: str = "app", token: str | None = None) -> Terraform:
        return Terraform(tmp_path / name, f"{service.url}/api/v2/", token or service.user_token)

    return make


@pytest.fixture
def organization(tfe: TFEClient) -> Iterator[str]:
    """The name of an organization of the test's own."""
    name = f"acme-{secrets.token_hex(4)}"
    tfe.organizations.create(OrganizationCreateOptions(name=name, email="ops@acme.test"))
    yield name
    tfe.organizations.delete(name)
