import hashlib

from PIL import Image, ImageOps
from test_decoding import encoded, photograph

from srgan_ab.data.decoding import Rejected
from srgan_ab.data.hashing import perceptual_hash
from srgan_ab.data.sources import File
from srgan_ab.data.verification import verify, verify_all


def test_verdict_of_a_good_file():
    image = photograph()
    data = encoded(image)
    verdict = verify(data)
    assert verdict.sha256 == hashlib.sha256(data).hexdigest()
    assert (verdict.width, verdict.height, verdict.problem) == (60, 40, None)
    assert verdict.phash == perceptual_hash(image.convert("L"))
    mirrored = verify(encoded(ImageOps.mirror(image)))
    assert (mirrored.phash, mirrored.phash_mirror) == (verdict.phash_mirror, verdict.phash)
    again = verify(encoded(image, "BMP"))
    assert again.sha256 != verdict.sha256 and again.pixel_sha256 == verdict.pixel_sha256


def test_pixels_of_another_shape_are_another_picture():
    wide, tall = Image.new("RGB", (8, 4)), Image.new("RGB", (4, 8))
    assert verify(encoded(wide)).pixel_sha256 != verify(encoded(tall)).pixel_sha256


def test_processes_keep_the_order_and_draw_only_a_little_ahead():
    drawn = 0

    def files():
        nonlocal drawn
        for number in range(400):
            drawn += 1
            problem = Rejected("link", "links are not followed") if number % 7 == 0 else None
            data = None if problem else encoded(Image.new("L", (3 + number % 50, 9)))
            yield File(str(number), "", data, problem)

    ahead = 0
    for number, (file, verdict) in enumerate(verify_all(files(), workers=2)):
        assert file.path == str(number)
        assert verdict.problem is None if file.data else verdict.problem.kind == "link"
        assert file.data is None or verdict.width == 3 + number % 50
        ahead = max(ahead, drawn - number)
    assert number == 399
    assert ahead <= 6 * 16
