"""A processor with all that a marketplace shows: description, README, changelog, reference data, two versions."""

from __future__ import annotations

from dataclasses import dataclass

from support.live import Live

PROGRAM = '''"""Turns every text around."""

import argparse
import shutil
from pathlib import Path

parser = argparse.ArgumentParser(description="Turn texts around")
parser.add_argument("--input-path", required=True, help="folder of texts")
parser.add_argument("--output-path", required=True, help="folder to write to")
parser.add_argument("--times", type=int, default=1, help="how often")
{more}
args = parser.parse_args()

for path in sorted(Path(args.input_path).rglob("*.txt")):
    Path(args.output_path).mkdir(parents=True, exist_ok=True)
    Path(args.output_path, path.name).write_text(path.read_text()[:: -1 if args.times % 2 else 1])
print("mlreef: step=1 share=1.0", flush=True)
'''
OLD = PROGRAM.format(more='parser.add_argument("--loud", action="store_true", help="write in capitals")')
NEW = PROGRAM.format(
    more='parser.add_argument("--mode", choices=["word", "letter"], default="letter", help="what is turned")'
)
MANIFEST = """\
name: turn
kind: operation
title: Turn texts
description: Writes every text of a folder backwards
entry: turn.py
environment: python-3.11
licence: Apache-2.0
tags: [texts, playful]
model_type: rewriting
ml_category: rule-based
input_types: [text]
output_types: [text]
inputs: [input_path]
outputs: [output_path]
parameters:
  times: {min: 1, max: 9, unit: turns}
resources: {machine: cpu-small, memory: 512MiB, timeout: 120}
metrics:
  share: {goal: maximize, help: Share of texts that were turned}
reference:
  inputs: {input_path: reference/texts}
  parameters: {times: 1}
  metrics: {share: ">= 1"}
  outputs: {output_path: {files: ">= 1"}}
changelog: CHANGELOG.md
"""
README = "# Turn texts\n\nA *small* processor.\n\n<script>window.hacked = true</script>\n\n[x](javascript:alert(1))\n"
CHANGELOG = (
    "# Changelog\n\n## 2.0.0\n\n- `mode` says **what** is turned\n- `loud` is gone\n\n## 1.0.0\n\n- First version\n"
)


@dataclass(frozen=True)
class Shop:
    """Where the processor is."""

    project_path: str
    slug: str
    id: str


def open_shop(live: Live) -> Shop:
    """Publish 1.0.0 and 2.0.0 of a processor, from a description."""
    files = {"turn.py": OLD, "processor.yaml": MANIFEST, "README.md": README, "CHANGELOG.md": CHANGELOG}
    made = live.project("code-turn", {**files, "reference/texts/a.txt": "hello\n"})
    publish(live, made.id, "1.0.0")
    change = [{"action": "update", "file_path": "turn.py", "content": NEW}]
    made.commits.create({"branch": "main", "commit_message": "Modes", "actions": change})
    done = publish(live, made.id, "2.0.0")
    return Shop("lab/code-turn", "lab/code-turn/turn", done["processor"]["id"])


def publish(live: Live, project: int, version: str) -> dict[str, dict[str, str]]:
    """Publish what `processor.yaml` on the main branch describes."""
    started = live.reef.publish(project, ref="main", entry="processor.yaml", version=version)
    done = live.reef.wait_publication(started["id"], timeout=240)
    assert done["status"] == "succeeded", done
    return done
