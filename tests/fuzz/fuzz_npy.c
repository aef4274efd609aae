#include "fuzz_target.h"
#include "processing/pixels/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct npy_array array;
    struct error error = {0};
    if (npy_parse(&array, bytes, size, &error) < 0) {
        fuzz_require(error.code < 0 && error.text[0] != '\0');
        return 0;
    }
    fuzz_require(array.height > 0 && array.width > 0);
    const size_t n = (size_t)array.height * array.width;
    fuzz_require(n <= size);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += npy_value(&array, i);
    fuzz_require(sum == sum || array.type >= NPY_F4);
    return 0;
}
