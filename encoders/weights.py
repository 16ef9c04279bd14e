"""Where an encoder's files are, and that they are what they should be, before anything reads them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from pathlib import Path

from encoders.contract import EncoderError

__all__ = ["NoModel", "checked_file", "folder_digests", "go_offline", "package_folder", "sha256_of"]

_PICKLED = (".bin", ".ckpt", ".pkl", ".pt", ".pth")
_SETTINGS = (".json", ".jinja", ".model", ".txt")


class NoModel(EncoderError):  # noqa: N818 named as `Refused` and `UnknownItem` are: by what is the case
    """The model that was named is not there, or not fit to be read; another one can be named."""


def go_offline() -> None:
    """Forbid the model libraries the network; must run before they are imported, which is when they look."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def package_folder(module: str, cure: str) -> Path:
    """Return the folder of an installed package without importing it; NoModel names the cure."""
    found = importlib.util.find_spec(module)
    if found is None or not found.submodule_search_locations:
        msg = f"the package {module!r} is not installed; {cure}"
        raise NoModel(msg)
    return Path(next(iter(found.submodule_search_locations)))


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checked_file(path: Path, sha256: str, cure: str) -> str:
    """Return the file's sha256 if it is the given one; NoModel where it is missing or another."""
    if not path.is_file():
        msg = f"{path} is missing; {cure}"
        raise NoModel(msg)
    found = sha256_of(path)
    if found != sha256:
        msg = f"{path} is not the file it should be: sha256 {found}, expected {sha256}; nothing was loaded; {cure}"
        raise NoModel(msg)
    return found


def folder_digests(folder: Path) -> tuple[str, str]:
    """Return the sha256 of a model folder's weights and of its settings (tokenizer, configuration), names included.

    NoModel where files are missing or weights are pickled: unpickling can run any code, so it is never done.
    """
    _require(folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    weights = [path for path in files if path.suffix == ".safetensors"]
    safe_folders = {path.parent for path in weights}
    pickled = [path for path in files if path.suffix in _PICKLED and path.parent not in safe_folders]
    if pickled:
        msg = (
            f"{pickled[0]} holds pickled weights, which can run code when they are read; only safetensors are: "
            "convert it (model.save_pretrained(folder))"
        )
        raise NoModel(msg)
    if not weights:
        msg = f"{folder} has no weights: model.safetensors is missing"
        raise NoModel(msg)
    settings = [path for path in files if path.suffix in _SETTINGS]
    return _digest(folder, weights), _digest(folder, settings)


def _require(folder: Path) -> None:
    if not folder.is_dir():
        msg = (
            f"{folder} is not there: missing {folder / 'config.json'}, {folder / 'tokenizer.json'} and "
            f"{folder / 'model.safetensors'}"
        )
        raise NoModel(msg)
    if not (folder / "modules.json").is_file() and not (folder / "config.json").is_file():
        found = ", ".join(sorted(path.name for path in folder.iterdir())[:10]) or "nothing"
        msg = f"{folder} holds no model: config.json is missing; found {found}"
        raise NoModel(msg)


def _digest(folder: Path, files: list[Path]) -> str:
    if len(files) == 1 and files[0].suffix == ".safetensors":
        return sha256_of(files[0])  # as published beside the model
    joined = "".join(f"{path.relative_to(folder).as_posix()}\0{sha256_of(path)}\n" for path in files)
    return hashlib.sha256(joined.encode()).hexdigest()
