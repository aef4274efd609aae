#include "detector/frame_header.h"
#include "fuzz_target.h"

/* The whole parser and the two short ones of the hot path must agree and stay within the bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct frame_header header;
    struct error error;
    uint64_t number, timestamp_ns, exposure_ns;
    size_t geometry_at;
    const int result = frame_header_parse(&header, bytes, size, &error);
    frame_header_parse_time(bytes, size, &timestamp_ns, &exposure_ns);
    const bool has_number = frame_header_number(bytes, size, &number, &geometry_at);
    unsigned layer = 0;
    if (has_number)
        frame_header_layer(bytes, size, geometry_at, &layer);
    fuzz_require(layer < 8);
    if (has_number)
        fuzz_require(geometry_at < size || bytes[geometry_at - 1] == ',');
    if (result < 0)
        return 0;
    fuzz_require(header.data_offset > 0 && header.data_offset <= size);
    fuzz_require(header.width > 0 && header.width <= FRAME_HEADER_MAX_SIDE);
    fuzz_require(header.height > 0 && header.height <= FRAME_HEADER_MAX_SIDE);
    fuzz_require(header.chips > 0 && header.chips <= FRAME_HEADER_MAX_CHIPS);
    fuzz_require(header.counter_depth <= 24);
    const bool in_header =
        has_number && frame_header_layer(bytes, header.data_offset, geometry_at, &layer);
    fuzz_require(!in_header || layer == header.layer);
    fuzz_require(!has_number || number == header.number);
    frame_header_parse_time(bytes, header.data_offset, &timestamp_ns, &exposure_ns);
    fuzz_require(timestamp_ns == header.timestamp_ns);
    fuzz_require(exposure_ns == 0 || exposure_ns == header.exposure_ns);
    fuzz_require(strlen(pixel_type_name(header.pixel_type)) == 3);
    fuzz_require(strlen(sensor_layout_name(header.layout)) >= 3);
    return 0;
}
