"""What the service notes about itself, such as when a timer last looked."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.persistence import Base, Timestamp


class ServiceMark(Base):
    """A number and a time under a name."""

    __tablename__ = "service_marks"

    name: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime] = mapped_column(Timestamp)
