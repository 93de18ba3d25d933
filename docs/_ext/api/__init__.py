"""Sphinx extension: the pages of the API table, from the rows, their pins and their evidence.

view         a row as readers see it, in words; all files below are made from it
links        where the official documentation of a name is
directives   what the pages write: {api-family}, {api-families}, {api-coverage}, {api-search}
coverage     which names of the packages the rows account for, in numbers and as a picture
index        api-index.js, by which the page api/index finds rows
changed      whether what is made from all rows must be made again
"""

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from . import changed, directives, index


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives, and write the index when a build ends."""
    app.add_directive("api-family", directives.FamilyDirective)
    app.add_directive("api-families", directives.FamiliesDirective)
    app.add_directive("api-coverage", directives.CoverageDirective)
    app.add_directive("api-alone", directives.AloneDirective)
    app.add_directive("api-search", directives.SearchDirective)
    app.connect("env-updated", changed.note)
    app.connect("build-finished", index.write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
