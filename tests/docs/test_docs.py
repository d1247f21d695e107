"""The pages that are made from the program are what it says now."""

import re
import subprocess

from instance import BIN, ROOT


def out(*argv):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE,
                          text=True).stdout


def test_applets_page():
    page = (ROOT / "docs" / "applets.md").read_text()
    assert page == out(ROOT / "config" / "page", BIN), \
        "run: config/page build/pillarbox >docs/applets.md"


def test_configuration_page():
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert page == out(BIN, "mailconf", "--reference"), \
        "run: build/pillarbox mailconf --reference >docs/configuration.md"


def test_every_applet_and_directive_is_explained():
    for applet in out(BIN, "--list").split():
        assert out(BIN, applet, "--help").startswith("usage: "), applet
    assert len(re.findall("^## ", (ROOT / "docs" / "applets.md").read_text(),
                          re.M)) == len(out(BIN, "--list").split())


def test_links_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), (page, link)


def test_the_household_configuration_of_the_readme_is_right(tmp_path):
    text = re.search(r"```\n(hostname.*?)```",
                     (ROOT / "README.md").read_text(), re.S).group(1)
    conf = tmp_path / "pillarbox.conf"
    conf.write_text(text)
    out(BIN, "mailconf", "-C", conf, "--check")
