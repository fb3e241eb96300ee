"""Puts one defect into every process of a run: the module that ``SEEDED`` names is imported before
anything else. The interpreter looks for this file by its name, on PYTHONPATH."""

from __future__ import annotations

import importlib
import os

if name := os.environ.get("SEEDED"):
    importlib.import_module(name)
