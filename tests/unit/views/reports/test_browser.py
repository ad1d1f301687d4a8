"""The page in a real browser: nothing is fetched, nothing overflows on any screen, and all of the text is there.

A browser is looked for by the name in BROWSER, then as Chromium or Chrome. The page stands in frames of several widths
in a page of ours, which measures it; the page itself may run nothing.
"""
import html
import json
import os
import re
import shutil
import subprocess

import pytest

from tests.support.reports import PAGES, written

BROWSER = next(filter(None, map(shutil.which, filter(None, (
    os.environ.get('BROWSER'), 'chromium', 'chromium-browser', 'google-chrome', 'chrome', 'microsoft-edge')))), None)
WIDTHS = (320, 390, 768, 1280)

pytestmark = pytest.mark.skipif(BROWSER is None, reason='no Chromium or Chrome was found; BROWSER names another')

_MEASURE = '''
const found = [];
for (const frame of document.querySelectorAll('iframe')) {
  const page = frame.contentDocument, width = frame.clientWidth, view = frame.contentWindow;
  const shown = [...page.querySelectorAll('*')].filter(one => one.getClientRects().length);
  const wide = shown.filter(one => !one.closest('svg') && one.getBoundingClientRect().right > width + 1);
  const cut = [...page.querySelectorAll('svg[role=img]')].filter(one => one.getClientRects().length).flatMap(
    picture => [...picture.querySelectorAll('text')].filter(one => {
      const inner = one.getBoundingClientRect(), outer = picture.getBoundingClientRect();
      return inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.bottom > outer.bottom + 2; }));
  const small = [...page.querySelectorAll('svg[role=img] text')].filter(one => one.getClientRects().length
    && one.getBoundingClientRect().height < 9);
  found.push({width, scroll: page.documentElement.scrollWidth, wide: wide.map(one => one.outerHTML.slice(0, 200)),
    cut: cut.map(one => one.textContent), small: small.length, pictures: [...page.querySelectorAll(
    'svg[role=img]')].filter(one => one.getClientRects().length).length, text: page.body.innerText,
    fetched: view.performance.getEntriesByType('resource').length});
}
document.body.innerHTML = '<pre id="found"></pre>';
document.getElementById('found').textContent = JSON.stringify(found);
'''


def measured(source, folder, *options):
    """What the browser says of the page in each of WIDTHS."""
    frames = ''.join(f'<iframe style="border:0;width:{width}px;height:900px" srcdoc="{html.escape(source)}"></iframe>'
                     for width in WIDTHS)
    path = folder / 'frames.html'
    path.write_text(f'<!DOCTYPE html><meta charset="utf-8"><body>{frames}<script>addEventListener("load", () => {{'
                    f'{_MEASURE}}})</script>', encoding='utf-8')
    done = subprocess.run([BROWSER, '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-extensions',
                           f'--user-data-dir={folder / "profile"}', f'--log-net-log={folder / "net.json"}', *options,
                           '--virtual-time-budget=3000', '--dump-dom', path.as_uri()],
                          capture_output=True, text=True, encoding='utf-8', timeout=120, check=True)
    found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    return json.loads(html.unescape(found[1]))


@pytest.mark.parametrize('name', PAGES)
def test_nothing_is_fetched_nothing_overflows_and_the_text_is_there(name, tmp_path):
    source = written(name)
    texts = {}
    for one in measured(source, tmp_path):
        assert one['fetched'] == 0
        assert one['scroll'] <= one['width'] and one['wide'] == [], (one['width'], one['wide'])
        assert one['cut'] == [], (one['width'], one['cut'])
        assert one['small'] == 0, f'{one["width"]}: labels too small to read'
        assert one['pictures'] == source.count('<figure>')
        texts[one['width']] = ' '.join(one['text'].split())
    asked = re.findall(r'"url":"(https?://[^"]+)', (tmp_path / 'net.json').read_text(encoding='utf-8'))
    assert not [url for url in asked if 'learn.microsoft.com' in url]
    body = source.partition('<body>')[2]
    for paragraph in re.findall(r'<p>(?:<span[^>]*>[^<]*</span>)?([^<]{10,})</p>', body):
        for width, text in texts.items():
            assert ' '.join(html.unescape(paragraph).split()) in text, (width, paragraph)


def test_the_measure_sees_what_it_looks_for(tmp_path):
    """A page that is too wide, with a label that is cut and an image that is fetched."""
    bad = ('<!DOCTYPE html><html><body style="margin:0"><div style="width:2000px">wide</div>'
           '<svg role="img" viewBox="0 0 100 20" width="300">'
           '<text x="90" y="10" style="font-size:5px">too long a label</text></svg></body></html>')
    one = measured(bad, tmp_path)[0]
    assert one['scroll'] >= 2000 and one['wide'] and one['cut'] == ['too long a label']
