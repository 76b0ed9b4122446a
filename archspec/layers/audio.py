"""Define spectrograms: sound as an image of time and frequency."""

from __future__ import annotations

from typing import Annotated as A
from typing import Any

from archspec.arguments import (
    BOOLEAN,
    NON_NEGATIVE,
    NUMBER,
    POSITIVE,
    POSITIVE_NUMBER,
    Contract,
    choice,
    integer,
    optional,
)
from archspec.errors import AtArgument, Refused
from archspec.graph import Facts, Shape
from archspec.layers.layer import DTYPE_DOC, Trainable, entry
from archspec.layers.shapes import join_channels, multiply, require_channels, slide, split_channels
from archspec.layers.shared import DataFormat
from archspec.layers.traits import Traits

FRAME = integer("an integer of at least 2", minimum=2)
# Those of scipy.signal that need nothing but their length.
WINDOWS = choice(
    *("hann", "hamming", "blackman", "bartlett", "boxcar", "cosine", "triang", "tukey", "taylor"),
    *("barthann", "blackmanharris", "bohman", "exponential", "flattop", "lanczos", "nuttall"),
    *("parzen", None),
)


WEIGHTS_OF_FRAME = (
    "Weights of the samples in a frame, by their name in scipy.signal; null for equal ones."
)


def stft_spectrogram(
    x: Shape,
    *,
    mode: A[
        str,
        choice("log", "magnitude", "psd", "real", "imag", "angle", "stft"),
        "What is given of each frequency: magnitude or its logarithm, psd (power), real or "
        "imaginary part, angle, or stft (both parts).",
    ] = "log",
    frame_length: A[int, FRAME, "Samples in a frame."] = 256,
    frame_step: A[
        int | None, optional(POSITIVE), "Samples from one frame to the next; null for half a frame."
    ] = None,
    fft_length: A[
        int | None,
        optional(POSITIVE),
        "Samples of the transform, zeros beyond the frame; null for the power of 2 that holds a "
        "frame.",
    ] = None,
    window: A[str | None, WINDOWS, WEIGHTS_OF_FRAME] = "hann",
    periodic: A[
        bool, BOOLEAN, "Whether the window is one period of an endless one, instead of symmetric."
    ] = False,
    scaling: A[
        str | None,
        choice("density", "spectrum", None),
        "What powers are divided by: density gives power in each hertz, spectrum power of each "
        "frequency; null nothing.",
    ] = "density",
    padding: A[
        str,
        choice("valid", "same"),
        "valid keeps to the input; same adds zeros at both ends, so that no sample is left over.",
    ] = "valid",
    expand_dims: A[
        bool,
        BOOLEAN,
        "Whether frequencies and channels are two axes, as an image has; else they are one.",
    ] = False,
    data_format: DataFormat = "channels_last",
) -> Facts:
    """A short-time Fourier transform, done by two convolutions whose kernels, one for the real and
    one for the imaginary part, start as the transform and are learnt: freeze them with `trainable:
    false`. Each channel of the sequence is transformed alone.

    Shape: for n steps (n - frame_length) // frame_step + 1 frames, by same ceil(n / frame_step);
        each has fft_length // 2 + 1 frequencies of each channel, by stft twice as many. With
        expand_dims frequencies and channels are two axes.
    Params: (1 if mode in ("real", "imag") else 2) * frame_length * bins; where size = fft_length or
        2 ** (frame_length - 1).bit_length(); bins = size // 2 + 1
    MACs: (1 if mode in ("real", "imag") else 2) * frame_length * bins * channels * frames; where
        size = fft_length or 2 ** (frame_length - 1).bit_length(); bins = size // 2 + 1;
        frames = prod(output) // (channels * bins * (2 if mode == "stft" else 1))
    """
    (steps,), channels = split_channels(x, 1, data_format)
    if frame_step is not None and frame_step > frame_length:
        raise Refused(
            f"takes a frame_step of at most {frame_length}, its frame_length",
            AtArgument("frame_step"),
        )
    if fft_length is not None and fft_length < frame_length:
        raise Refused(
            f"takes an fft_length of at least {frame_length}, its frame_length",
            AtArgument("fft_length"),
        )
    step = frame_step or frame_length // 2
    size = fft_length or 2 ** (frame_length - 1).bit_length()
    kernel = (frame_length, 1, size // 2 + 1)
    parts = [part for part, other in (("real", "imag"), ("imag", "real")) if mode != other]
    (frames,) = slide((steps,), (frame_length,), (step,), padding, (1,), "frame_length")
    bins = kernel[-1] * (2 if mode == "stft" else 1)
    macs = multiply(frames, require_channels(channels), *kernel, len(parts))
    weights = {f"{part}_kernel": kernel for part in parts}
    if expand_dims:  # frequencies take the place of an axis, and are no rows of the input
        return Facts(
            join_channels((frames, bins), channels, data_format), weights, macs=macs, window=None
        )
    shape = join_channels((frames,), bins * require_channels(channels), data_format)
    return Facts(shape, weights, macs=macs, window=((frame_length, step),))


def mel_spectrogram(
    x: Shape,
    *,
    fft_length: A[int, FRAME, "Samples of the transform, zeros beyond sequence_length."] = 2048,
    sequence_stride: A[int, POSITIVE, "Samples from one frame to the next."] = 512,
    sequence_length: A[
        int | None, optional(POSITIVE), "Samples of a frame; null for fft_length."
    ] = None,
    window: A[str | None, choice("hann", "hamming", None), WEIGHTS_OF_FRAME] = "hann",
    sampling_rate: A[int, POSITIVE, "Samples of a second."] = 16_000,
    num_mel_bins: A[int, POSITIVE, "Bands of pitch."] = 128,
    min_freq: A[float, NON_NEGATIVE, "Lowest frequency of the bands, in hertz."] = 20.0,
    max_freq: A[
        float | None,
        optional(POSITIVE_NUMBER),
        "Highest frequency of the bands, in hertz; null for half of sampling_rate.",
    ] = None,
    power_to_db: A[bool, BOOLEAN, "Whether powers are given in decibels."] = True,
    top_db: A[float, NON_NEGATIVE, "Decibels below the loudest at which values end."] = 80.0,
    mag_exp: A[
        float,
        POSITIVE_NUMBER,
        "Power of the magnitudes: 2 for power, 1 for the magnitudes themselves.",
    ] = 2.0,
    min_power: A[
        float,
        POSITIVE_NUMBER,
        "Power that all below it counts as, so that silence has a logarithm.",
    ] = 1e-10,
    ref_power: A[float, NUMBER, "Power of 0 decibels."] = 1.0,
) -> Facts:
    """The power of each frequency in each frame, summed in bands that are as wide as pitch is heard
    (the mel scale), in decibels. Nothing in it is learnt. With power_to_db, values are kept within
    top_db of the loudest of the whole batch.

    Shape: num_mel_bins x frames, 1 + n // sequence_stride of them for n samples.
    """
    if len(x) != 2:
        raise Refused(f"expects an input of 2 axes (batch, samples), got {x}")
    if sequence_length is not None and sequence_length > fft_length:
        raise Refused(
            f"takes a sequence_length of at most {fft_length}, its fft_length",
            AtArgument("sequence_length"),
        )
    highest = max_freq or sampling_rate // 2
    if not min_freq < highest:
        raise Refused(
            f"expects a min_freq below {highest:g} Hz, the highest, got {min_freq:g}",
            AtArgument("min_freq"),
        )
    frames: Any = None
    if (n := x[1]) is not None:
        reach = fft_length // 2
        if n <= reach:
            raise Refused(
                f"mirrors {reach} samples at both ends, and its input {x} has {n}",
                AtArgument("fft_length"),
            )
        frames = (n + sequence_stride + 1) // sequence_stride  # Keras's formula
        if frames != (n - fft_length % 2) // sequence_stride + 1:
            raise Refused(
                f"makes {frames - 1} frames of {n} samples where Keras counts {frames}: change "
                "the samples or sequence_stride by one",
                AtArgument("sequence_stride"),
            )
    return Facts((None, num_mel_bins, frames), window=None)


FLOATS = choice(None, "float32", "float16", "float64", "mixed_float16")


def without_bfloat16(
    *, trainable: Trainable = True, dtype: A[Any, FLOATS, DTYPE_DOC] = None
) -> None:
    """State the arguments that STFTSpectrogram has besides its own."""


# fmt: off
FAMILY = (
    entry("STFTSpectrogram", stft_spectrogram, Traits(),
          "Find the frequencies in frames of a sequence, by learnt kernels.",
          "{frame_length: 256, frame_step: 128, expand_dims: true}", (16000, 1),
          common=Contract(without_bfloat16)),
    entry("MelSpectrogram", mel_spectrogram,
          Traits(follows={"sequence_length": "fft_length"}),
          "Find the loudness of bands of pitch in frames of a sound.",
          "{fft_length: 1024, sequence_stride: 256, num_mel_bins: 64}", (16000,)),
)
# fmt: on
