"""Where README.md is."""
from pathlib import Path

README = Path(__file__).resolve().parents[2] / 'README.md'
