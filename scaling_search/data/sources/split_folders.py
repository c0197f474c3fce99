"""Which folder holds which split: train/, test/, val/ and what people call them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from scaling_search.core.errors import UserError
from scaling_search.data.request import SplitName
from scaling_search.data.sources.folder_scan import IgnoredEntries, Scan, is_hidden, printable

LAYOUT_HINT = "put the images in <root>/train/<class>/ and <root>/test/<class>/"
TRAIN, TEST = ("train", "training"), ("test", "testing")
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".xz", ".bz2", ".7z", ".rar")
VALIDATION = ("val", "valid", "validation")


def split_folders(root: Path) -> dict[SplitName, Path]:
    """The folder of each split; one that is asked for is named even where it is absent."""
    folders: dict[SplitName, Path] = {"train": split_folder(root, TRAIN) or root / TRAIN[0]}
    test, validation = split_folder(root, TEST), split_folder(root, VALIDATION)
    if test is not None and validation is not None:
        folders["validation"] = validation
    folders["test"] = test or validation or root / TEST[0]
    return folders


def split_folder(root: Path, names: Sequence[str]) -> Path | None:
    """The sub-folder of one of these names, as written or else in other cases."""
    present = [path.name for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    exact = (name for name in names if name in present)
    any_case = (
        name_present
        for name in names
        for name_present in sorted(present)
        if name_present.lower() == name
    )
    name_found = next(exact, None) or next(any_case, None)
    return None if name_found is None else root / name_found


def require_apart(train: Scan, other: Scan) -> None:
    """Raise UserError where another split is the training images themselves."""
    if other is not train and other.folder.resolve() == train.folder.resolve():
        raise UserError(
            f"{train.folder} and {other.folder} must be different folders, got one: what was "
            "learnt by heart would be scored; take the link away"
        )


def require_same_classes(train: Scan, other: Scan) -> None:
    """Raise UserError, naming the classes that only one split has, or that one has twice."""
    ours, theirs = train.class_names, other.class_names
    odd = sorted(set(ours) ^ set(theirs))
    twice = sorted({name for names in (ours, theirs) for name in names if names.count(name) > 1})
    if odd or twice:
        rule = f"{train.folder} and {other.folder} must have the same classes, "
        got = ", ".join(map(repr, odd or twice))
        occurrence = "in one" if odd else "twice"
        mend = "add what is missing, take away what is too much"
        if other.folder.name.lower() in VALIDATION:
            mend += ", or call the folder otherwise so that it is passed over"
        raise UserError(f"{rule}got {got} {occurrence}: {mend}")


def hint(root: Path) -> str:
    """What to do where train/ or test/ is missing; a folder too high or too low is named."""
    if split_folder(root, TRAIN) is not None:
        return LAYOUT_HINT
    if root.name.lower() in (*TRAIN, *TEST, *VALIDATION):
        return f"name its parent, {root.parent}, with --root"
    below = [path for path in sorted(root.iterdir()) if not is_hidden(path.name) and path.is_dir()]
    right = next((path for path in below if split_folder(path, TRAIN) is not None), None)
    return LAYOUT_HINT if right is None else f"name {right} with --root"


def way_to(root: Path) -> str:
    """What to do where the root is no folder: an archive, another spelling, or Windows' way."""
    if "\\" in str(root) or not str(root).isprintable():  # "C:\temp" holds a tab in TOML
        return "separate folders by /, not by \\"
    if root.suffix.lower() in ARCHIVES and root.is_file():
        return "unpack it, and name the folder that comes out"
    near: list[Path] = []
    with suppress(OSError):  # there is nothing beside it, or none may look
        near = [path for path in sorted(root.parent.iterdir()) if _is_alike(path, root)]
    return f"did you mean {near[0]}?" if near else LAYOUT_HINT


def _is_alike(path: Path, root: Path) -> bool:
    """Whether a folder's name differs from another in its cases or its Unicode form alone."""
    names = {printable(each.name).casefold() for each in (path, root)}
    return len(names) == 1 and path.is_dir()


def layout_remarks(root: Path, scans: Mapping[SplitName, Scan]) -> Iterator[str]:
    """Which folder became which split, and what was passed over in each."""
    validation, test = scans.get("validation"), scans["test"].folder.name
    if validation is not None:
        yield f"validation images: those of {validation.folder.name}/, and none are held out"
    elif test.lower() in VALIDATION:
        yield f"test images: those of {test}/, there is no test/; validation is held out of train/"
    at_root = IgnoredEntries()
    used = {split_scan.folder.name for split_scan in scans.values()}
    for path in sorted(root.iterdir()):
        if path.is_dir() and path.name not in used:
            at_root.add_folder(path.name)
    over = [(printable(root.name), at_root)]
    over += [(split_scan.folder.name, split_scan.passed_over) for split_scan in scans.values()]
    for name, split_scan in over:
        if split_scan.kinds:
            yield f"passed over in {name}/: {split_scan}"
