"""The model card of exported files, as sections, and sections as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from roadworthy.core.document import Block, Facts, Section, Table, Text
from roadworthy.core.words import percent, plural, visible

Its = tuple[str, int, Mapping[str, Any]]
"""A file's name, its bytes, its manifest as plain values."""


def card_sections(files: Sequence[Its]) -> list[Section]:
    """What a user should know before relying on an exported network; the first file is the one for crops."""
    manifest = files[0][2]
    builders = (
        ("Model", "model", _model(files)),
        ("Measured", "measured", _measured(manifest)),
        ("By class", "classes", _classes(manifest)),
        ("As the network it was made from", "parity", _parity(files)),
        ("In other runtimes", "runtimes", other_runtimes(manifest)),
        ("Limits", "limits", _limits(manifest)),
        ("Provenance", "provenance", provenance(manifest)),
    )
    return [
        Section(title=title, anchor=anchor, blocks=tuple(blocks))
        for title, anchor, blocks in builders
        if blocks
    ]


def markdown(title: str, sections: Sequence[Section]) -> str:
    """Sections of text, facts and tables as one Markdown document."""
    parts = [f"# {title}"]
    for section in sections:
        parts.append(f"## {section.title}")
        parts += [_block(block) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def _model(files: Sequence[Its]) -> list[Block]:
    manifest = files[0][2]
    spec, rejection = manifest["input"], manifest["rejection"]
    accepted = "every answer is given"
    if rejection is not None:
        accepted = (
            f"an answer counts as sure where its {rejection['score']} is at least "
            f"{rejection['threshold']:.4f}, as {percent(rejection['coverage'], 0)} of {rejection['n']:,} "
            "validation pictures' are"
        )
    return [
        Facts(
            items=(
                ("answers", plural(len(manifest["classes"]), "class")),
                ("takes", f"uint8 RGB, {spec['size']} x {spec['size']} pixels, resized {spec['resize']}"),
                ("normalised", f"{spec['normalise']}, within the file"),
                ("precision", manifest["precision"]),
                ("temperature", f"{manifest['temperature']:.3f}"),
                ("sure", accepted),
                ("without colour", _WITHOUT[bool(manifest.get("without_colour"))]),
                ("data", manifest["licence"] or "unknown"),
            )
        ),
        Table(
            caption="Files",
            columns=("file", "bytes", "for", "precision"),
            rows=tuple(
                (name, f"{size:,}", _FOR[its["kind"]].format(**its, **its["input"]), its["precision"])
                for name, size, its in files
            ),
            align_right=(1,),
        ),
    ]


def other_runtimes(manifest: Mapping[str, Any]) -> list[Block]:
    """What the check in each runtime found that the export was for."""
    rows = []
    for name, found in manifest.get("runtimes", {}).items():
        said = ", ".join(f"{package} {number}" for package, number in found["versions"].items())
        checked, apart = "not run where it was exported", "–"
        if found["run"]:
            what = "boxes" if "boxes" in found else "answers"
            checked = f"{percent(found['agreement'])} of {found.get('boxes', found['n']):,} {what}"
            apart = f"{found['largest_difference']:.2g}"
        rows.append((name, said or "–", checked, apart))
    if not rows:
        return []
    columns = ("runtime", "versions", "as the network it was made from", "largest difference")
    return [Table(caption="Checked in the runtime itself", columns=columns, rows=tuple(rows))]


_WITHOUT = {
    True: "trained for such pictures, too",
    False: "not trained for: grey pictures are not accepted as signs that only colour tells apart",
}
_FOR = {
    "crop": "pictures of one sign",
    "dense": "all windows of {size} px in a picture, every {stride} px, for a closer look",
}


def _measured(manifest: Mapping[str, Any]) -> list[Block]:
    """What the file itself answers."""
    rows = []
    for name, found in _measurements(manifest):
        low, high = found["accuracy_ci95"]
        kept, right = found["accepted"], found["accuracy_accepted"]
        rows.append(
            (
                name + (" (drawn)" if found["drawn"] else ""),
                f"{found['n']:,}",
                percent(found["accuracy"]),
                f"{percent(low)} to {percent(high)}, {found['accuracy_over']}",
                percent(found["balanced_accuracy"]),
                f"{found['ece']:.4f}",
                "–" if kept is None else percent(kept),
                "–" if right is None else percent(right),
            )
        )
    if not rows:
        return [Text(text="Nothing was measured.", tone="warning")]
    columns = ("on", "n", "right", "95 % over", "mean over classes", "ECE", "sure", "right where sure")
    return [
        Table(
            caption="Measured with this file; intervals are over physical signs where they are known",
            columns=columns,
            rows=tuple(rows),
            align_right=tuple(range(1, len(columns))),
        )
    ]


def _measurements(manifest: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Photographs before drawings, the larger set first: a manifest keeps no order."""
    return sorted(manifest["metrics"].items(), key=lambda item: (bool(item[1]["drawn"]), -item[1]["n"]))


def _classes(manifest: Mapping[str, Any]) -> list[Block]:
    recalls = {name: found["recall"] for name, found in _measurements(manifest)}
    rows = tuple(
        (
            name,
            ", ".join(manifest["codes"].get(name, ())) or "–",
            *(percent(found[name]) if found.get(name) is not None else "–" for found in recalls.values()),
        )
        for name in manifest["classes"]
    )
    return [
        Table(
            caption="What it answers, the signs' codes, and the share of each that is read",
            columns=("class", "codes", *recalls),
            rows=rows,
            align_right=tuple(range(2, 2 + len(recalls))),
            collapsed=len(rows) > 12,
        )
    ]


def _parity(files: Sequence[Its]) -> list[Block]:
    rows = [
        (
            name,
            precision,
            f"{found['n']:,}",
            percent(found["agreement"]),
            f"{found['largest_difference']:.2g}",
            percent(found["accuracy_before"]),
            percent(found["accuracy"]),
        )
        for name, _, its in files
        for precision, found in its["parity"].items()
    ]
    columns = ("file", "in", "n", "same answer", "largest difference of a logit", "right before", "right now")
    return [
        Table(
            caption="Against the trained network on validation pictures; full precision is always checked",
            columns=columns,
            rows=tuple(rows),
            align_right=tuple(range(2, len(columns))),
        )
    ]


UNCERTIFIED = Text(text="It is no safety component: nothing here was certified for driving.", tone="warning")


def _limits(manifest: Mapping[str, Any]) -> list[Block]:
    known = "no-sign" in manifest["classes"]
    return [
        Text(
            text="It answers with one of its classes whatever it is shown; look at `accepted` (and, where it "
            "is a class, at no-sign) before acting on an answer. Figures hold for pictures like those "
            "measured on: other cameras, countries, weather and nights may be read worse."
            + ("" if known else " It has no class for what is no sign.")
        ),
        UNCERTIFIED,
    ]


def provenance(manifest: Mapping[str, Any]) -> list[Block]:
    """Where the weights come from, and how they were exported."""
    return [
        Facts(items=tuple((f"{stage}: {key}", str(value)) for key, value in facts.items()))
        for stage, facts in sorted(manifest["provenance"].items(), key=lambda item: item[0] != "trained")
        if facts
    ]


def _block(block: Block) -> str:
    if isinstance(block, Text):
        return block.text
    if isinstance(block, Facts):
        return _table(("", ""), block.items, ())
    if isinstance(block, Table):
        return f"{block.caption}:\n\n{_table(block.columns, block.rows, block.align_right)}"
    raise TypeError(f"{type(block).__name__} has no form in Markdown here")


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]) -> str:
    ruler = ["---:" if i in right else "---" for i in range(len(columns))]
    lines = [columns, ruler, *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    """A name that came out of a file: no markup of Markdown or HTML."""
    plain = visible(text.replace("\n", " ")).replace("<", "&lt;").replace("|", "\\|")
    return plain.replace("[", "\\[").replace("`", "\\`")
