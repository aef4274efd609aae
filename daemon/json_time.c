#include "daemon/json_time.h"

#include "common/clock.h"

json_t *json_time(uint64_t unix_ns)
{
    if (unix_ns == 0)
        return json_null();
    return json_pack("[I, I]", (json_int_t)(unix_ns / NS_PER_S), (json_int_t)(unix_ns % NS_PER_S));
}

uint64_t json_time_ns(const json_t *time)
{
    return (uint64_t)json_integer_value(json_array_get(time, 0)) * NS_PER_S +
           (uint64_t)json_integer_value(json_array_get(time, 1));
}
