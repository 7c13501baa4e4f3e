"""What the service notes about itself, such as when a timer last looked."""

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Mapped, mapped_column

from app.persistence import Base, Timestamp

# Of scheduled backups: how long the last good one took, at whose time it was made; how large it is, in units that fit
# the column; and how often one failed.
BACKUP_SECONDS: Final = "backup-seconds"
BACKUP_BYTES: Final = "backup-kibibytes"
BACKUP_FAILURES: Final = "backup-failures"
KIBIBYTE: Final = 1024


class ServiceMark(Base):
    """A number and a time under a name."""

    __tablename__ = "service_marks"

    name: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime] = mapped_column(Timestamp)
