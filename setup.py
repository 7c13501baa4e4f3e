"""What setup.cfg can't say: a wheel has the migrations and gunicorn's configuration, which stand beside the package."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent


class BuildWithCompanions(build_py):
    """Also copies what ``app.companions`` looks for in an installed package."""

    def run(self) -> None:
        """Build, and copy them; an editable installation finds them where they are."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "app" / "companions"
        for file in (HERE / "gunicorn.conf.py", *(HERE / "migrations").rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                copy = target / file.relative_to(HERE)
                self.mkpath(str(copy.parent))
                self.copy_file(str(file), str(copy))


setup(cmdclass={"build_py": BuildWithCompanions})
