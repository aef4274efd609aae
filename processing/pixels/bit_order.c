#include "processing/pixels/bit_order.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- asking the decoder ---- */

/* What finding out takes: a payload, its image, and of each pixel the bit that it comes from. */
struct question {
    const struct pixel_format *format;
    frame_decode_fn decode;
    uint8_t *payload, *image;
    uint32_t *bit_of;   /* [n_pixels] */
    uint32_t *pixel_of; /* [n_bits] */
    size_t n_bits, n_pixels;
};

/* The payload in which each bit is the given binary digit of its own index. */
static void ask_digit(const struct question *question, unsigned digit)
{
    static const uint8_t of_byte[3] = {0xaa, 0xcc, 0xf0};
    for (size_t byte = 0; byte < question->n_bits / 8; byte++) {
        const uint8_t same = byte << 3 >> digit & 1 ? 0xff : 0;
        question->payload[byte] = digit < 3 ? of_byte[digit] : same;
    }
    question->decode(question->image, question->payload, question->format);
    for (size_t i = 0; i < question->n_pixels; i++)
        question->bit_of[i] |= (uint32_t)question->image[i] << digit;
}

static void answer(const struct question *question)
{
    for (unsigned digit = 0; question->n_bits >> digit; digit++)
        ask_digit(question, digit);
    /* A gap between chips has no bits. */
    memset(question->payload, 0xff, question->n_bits / 8);
    question->decode(question->image, question->payload, question->format);
    for (size_t i = 0; i < question->n_pixels; i++) {
        if (question->image[i])
            question->pixel_of[question->bit_of[i]] = (uint32_t)i;
    }
}

static void question_finish(struct question *question)
{
    free(question->payload);
    free(question->image);
    free(question->bit_of);
    free(question->pixel_of);
}

static int question_init(struct question *question, const struct pixel_format *format)
{
    *question = (struct question){
        .format = format,
        .decode = frame_decoder(format, CPU_ISA_PLAIN),
        .n_bits = format->payload_size * 8,
        .n_pixels = format->image_size,
    };
    question->payload = malloc(format->payload_size);
    question->image = malloc(format->image_size);
    question->bit_of = calloc(question->n_pixels, sizeof *question->bit_of);
    question->pixel_of = calloc(question->n_bits, sizeof *question->pixel_of);
    if (question->payload && question->image && question->bit_of && question->pixel_of)
        return 0;
    question_finish(question);
    return -ENOMEM;
}

/* ---- the order ---- */

static uint32_t least(const uint32_t pixels[64])
{
    uint32_t first = pixels[0];
    for (unsigned bit = 1; bit < 64; bit++)
        first = pixels[bit] < first ? pixels[bit] : first;
    return first;
}

/* false: words of this kind have too many patterns, or pixels too far apart. */
static bool take_word(struct bit_order *order, size_t word, const uint32_t pixels[64])
{
    uint8_t offsets[64];
    const uint32_t first = least(pixels);
    for (unsigned bit = 0; bit < 64; bit++) {
        if (pixels[bit] - first > UINT8_MAX)
            return false;
        offsets[bit] = (uint8_t)(pixels[bit] - first);
    }
    unsigned pattern = 0;
    while (pattern < order->n_patterns &&
           memcmp(order->offsets[pattern], offsets, sizeof offsets) != 0)
        pattern++;
    if (pattern == BIT_ORDER_PATTERNS)
        return false;
    memcpy(order->offsets[pattern], offsets, sizeof offsets);
    order->n_patterns = pattern == order->n_patterns ? pattern + 1 : order->n_patterns;
    order->first[word] = first;
    order->pattern[word] = (uint8_t)pattern;
    return true;
}

static void take_words(struct bit_order *order, const struct question *question)
{
    const size_t n_words = question->n_bits / 64;
    for (size_t word = 0; word < n_words; word++) {
        if (!take_word(order, word, question->pixel_of + 64 * word))
            return;
    }
    order->n_words = n_words;
}

int bit_order_init(struct bit_order *order, const struct pixel_format *format)
{
    struct question question;
    memset(order, 0, sizeof *order);
    if (!bit_order_applies(format))
        return 0;
    if (question_init(&question, format) < 0)
        return -ENOMEM;
    const size_t n_words = question.n_bits / 64;
    order->first = calloc(n_words + 1, sizeof *order->first);
    order->pattern = calloc(n_words + 1, 1);
    const bool ready = order->first && order->pattern;
    if (ready) {
        answer(&question);
        take_words(order, &question);
    } else {
        bit_order_finish(order);
    }
    question_finish(&question);
    return ready ? 0 : -ENOMEM;
}

void bit_order_finish(struct bit_order *order)
{
    free(order->first);
    free(order->pattern);
    memset(order, 0, sizeof *order);
}
