#include "detector/acquisition_header.h"
#include "fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct acquisition_header header;
    struct error error = {0};
    if (acquisition_header_parse(&header, bytes, size, &error) < 0) {
        fuzz_require(error.code < 0 && error.text[0] != '\0');
        return 0;
    }
    fuzz_require(header.frames_in_acquisition >= -1);
    fuzz_require(header.counter_depth <= 24);
    fuzz_require(strlen(header.trigger_start) < sizeof header.trigger_start);
    fuzz_require(strlen(header.software_version) < sizeof header.software_version);
    fuzz_require(strlen(header.assembly) < sizeof header.assembly);
    return 0;
}
