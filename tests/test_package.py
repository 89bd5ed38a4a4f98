"""What `pip install .` installs: all that the repository has of the packages, data too."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import yaml

from sdm_bench import __version__

ROOT = Path(__file__).parents[1]
PACKAGES = ("sdm_bench", "segmenters", "reports")
BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"


def test_the_wheel_has_every_file_of_the_packages(tmp_path: Path) -> None:
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE", "cli.py"):
        shutil.copy(ROOT / name, source / name)
    subprocess.run([sys.executable, "-c", BUILD, str(tmp_path)], cwd=source, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
        (entry_points,) = [name for name in inside if name.endswith("entry_points.txt")]
        assert "sdm-bench = cli:main" in archive.read(entry_points).decode()
    there = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sorted(there - inside) == []
    assert "cli.py" in inside


def test_the_citation_is_of_this_version_and_its_licence() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (cited["version"], cited["license"]) == (__version__, project["license"])
    assert cited["cff-version"] == "1.2.0"
    assert all(cited[needed] for needed in ("message", "title", "authors"))
    for reference in cited["references"]:
        assert all(reference[needed] for needed in ("type", "title", "authors"))
