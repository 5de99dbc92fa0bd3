# SPDX-License-Identifier: GPL-2.0-only
"""Sphinx configuration for a build of these documents outside of the kernel.

tools/testing/check/docs.sh builds them with warnings as errors. In a kernel tree the kernel's own configuration is
used, and this file and index.rst beside it are left out.
"""

import os
import pathlib
import subprocess

from docutils import nodes, statemachine
from docutils.parsers.rst import Directive, directives

TOP = pathlib.Path(__file__).resolve().parent.parent

project = "dm-corcache"
copyright = "the dm-corcache authors, GPL-2.0"
root_doc = "index"
nitpicky = True
# The types of the kernel that kernel-doc mentions are described in the kernel's documents.
nitpick_ignore_regex = [("c:.*", ".*")]
# As in the kernel: a literal block is text.
highlight_language = "none"
smartquotes = False
html_theme = "alabaster"
html_copy_source = False


class KernelDoc(Directive):
    """The kernel-doc comments of a header, as the kernel's directive of this name shows them.

    KERNELDOC names the kernel's scripts/kernel-doc. Without it the page says where the comments are.
    Option no-identifiers: names that are left out.
    """

    required_arguments = 1
    option_spec = {"no-identifiers": directives.unchanged_required}

    def run(self):
        script, header = os.environ.get("KERNELDOC"), TOP / self.arguments[0]
        self.state.document.settings.env.note_dependency(str(header))
        if not script:
            return [nodes.paragraph(text=f"See {self.arguments[0]}.")]
        command = [script, "-rst"]
        for name in self.options.get("no-identifiers", "").split():
            command += ["-nosymbol", name]
        text = subprocess.run(command + [header], check=True, capture_output=True, encoding="utf-8").stdout
        result = nodes.section()
        result.document = self.state.document
        lines = statemachine.StringList(text.expandtabs(8).splitlines(), str(header))
        self.state.nested_parse(lines, 0, result, match_titles=True)
        return result.children


def setup(app):
    """Called by Sphinx."""
    app.add_directive("kernel-doc", KernelDoc)
