"""Migrations of the database."""

from pathlib import Path

from flask import Flask
from flask_migrate import Migrate

from app import models
from app.persistence import Base
from app.persistence.database import db

FOLDER = Path(__file__).resolve().parent.parent / "migrations"


def migrate(app: Flask) -> Migrate:
    """Register the ``flask db`` commands for the service's tables."""
    assert models.Project.metadata is Base.metadata  # every table is known from here on
    return Migrate(app, db, directory=str(FOLDER))
