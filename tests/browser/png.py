"""A screenshot as a small PNG: its 256 commonest colours as they are, the rest as the nearest of them.

The counting is done by the browser, in a tab of its own: it has the pixels at hand and a fast machine for them.
"""

from __future__ import annotations

import base64
import struct
import zlib

from selenium.webdriver import Chrome

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COUNT = """
const [source, done] = arguments, image = new Image();
image.onload = () => {
  const canvas = new OffscreenCanvas(image.width, image.height), paper = canvas.getContext('2d');
  paper.drawImage(image, 0, 0);
  const pixels = new Uint32Array(paper.getImageData(0, 0, image.width, image.height).data.buffer), counted = new Map();
  for (const pixel of pixels) counted.set(pixel, (counted.get(pixel) || 0) + 1);
  const parts = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  const common = [...counted].sort((a, b) => b[1] - a[1]).slice(0, 256).map(([pixel]) => parts(pixel));
  const nearest = new Map([...counted.keys()].map((pixel) => {
    const far = common.map((each) => parts(pixel).reduce((sum, value, n) => sum + (value - each[n]) ** 2, 0));
    return [pixel, far.indexOf(Math.min(...far))];
  }));
  const indices = Uint8Array.from(pixels, (pixel) => nearest.get(pixel));
  const reader = new FileReader();
  reader.onload = () => done([image.width, common.flat(), reader.result.split(',')[1]]);
  reader.readAsDataURL(new Blob([indices]));
};
image.src = 'data:image/png;base64,' + source;
"""


def shrink(driver: Chrome, picture: str) -> bytes:
    """The same picture (PNG in base64) with a palette: a third of the size."""
    page = driver.current_window_handle
    driver.switch_to.new_window("tab")
    try:
        width, colours, found = driver.execute_async_script(COUNT, picture)
    finally:
        driver.close()
        driver.switch_to.window(page)
    return encode(width, bytes(colours), base64.b64decode(found))


def encode(width: int, palette: bytes, indices: bytes) -> bytes:
    """A PNG of 8-bit palette colours (RFC 2083), without filters: flat colours need none."""
    height = len(indices) // width
    flat = b"".join(b"\0" + indices[at : at + width] for at in range(0, len(indices), width))
    return SIGNATURE + b"".join(
        [
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", palette),
            _chunk(b"IDAT", zlib.compress(flat, 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
