"""Writes sitemap.xml with every page, also when a build wrote only the pages that changed.

sphinx-sitemap (2.9) lists the pages that were written: after an incremental build the
others are missing from it.
"""

from pathlib import Path
from xml.etree import ElementTree as ET

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def write(app: Sphinx, exception: Exception | None) -> None:
    """List the address of every page below ``html_baseurl``, in the order of their names."""
    if exception or app.builder.format != "html":
        return
    urls = ET.Element("urlset", xmlns=NAMESPACE)
    for docname in sorted(app.env.found_docs):
        address = f"{app.config.html_baseurl}{app.builder.get_target_uri(docname)}"
        ET.SubElement(ET.SubElement(urls, "url"), "loc").text = address
    ET.indent(urls)
    target = Path(app.outdir, "sitemap.xml")
    ET.ElementTree(urls).write(target, encoding="utf-8", xml_declaration=True)
