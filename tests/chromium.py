"""A page in headless Chromium, if there is one."""

import json
import pathlib
import re
import shutil
import subprocess
import urllib.parse

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
needs_chromium = pytest.mark.skipif(BROWSER is None, reason="no Chromium here")


def evaluate(page: pathlib.Path, script: str, *, width=1200):
    """What a script, the body of a function, returns on a page as JSON."""
    # In front of the page's own script errors would go unnoticed.
    probe = f"""
<script>
window.addEventListener("load", async () => {{
  let said;
  try {{ said = await (async () => {{ {script} }})(); }}
  catch (error) {{ said = String(error); }}
  document.body.innerHTML = "";
  document.title = encodeURIComponent(JSON.stringify(said));
}});
</script>
"""
    probed = page.with_name(f"probed_{page.name}")
    probed.write_text(page.read_text().replace("</body>", f"{probe}</body>"))
    ran = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu"),
            *(f"--window-size={width},900", "--virtual-time-budget=20000"),
            f"--user-data-dir={page.parent / 'profile'}",
            *("--dump-dom", probed.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    (title,) = re.findall(r"<title>(.*?)</title>", ran.stdout)
    return json.loads(urllib.parse.unquote(title))
