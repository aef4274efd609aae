#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "daemon/assets.h"
#include "daemon/web/gate.h"

static const char origins[] = "http://lab.example:8080 https://[fd00::5]:1";

static void hosts_that_are_this_computer_are_allowed(void **unused)
{
    static const char *const good[] = {"127.0.0.1",   "127.0.0.1:6380", "[::1]:6380",
                                       "[::1]",       "localhost:1",    "LOCALHOST",
                                       "10.1.2.3:80", "lab.example",    "Lab.Example:6380"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(gate_host_allowed(good[i], origins));
}

static void other_hosts_are_not(void **unused)
{
    static const char *const bad[] = {"",
                                      ":6380",
                                      "evil.example",
                                      "evil.example:6380",
                                      "127.0.0.1.evil.example",
                                      "[::1",
                                      "[]:80",
                                      "[evil]:80",
                                      "localhost.evil",
                                      "lab.example.evil",
                                      "xlab.example",
                                      "http://lab.example",
                                      "lab",
                                      "127.0.0.1@evil.example",
                                      "[::1]evil.example",
                                      "localhost:evil",
                                      "localhost:6380:1",
                                      "[::1",
                                      " localhost"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(gate_host_allowed(bad[i], origins));
    assert_false(gate_host_allowed("lab.example", ""));
    char long_name[600];
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_false(gate_host_allowed(long_name, origins));
}

static void origins_must_be_the_own_or_listed(void **unused)
{
    const char *const host = "127.0.0.1:6380";
    assert_true(gate_origin_allowed("", host, ""));
    assert_true(gate_origin_allowed("http://127.0.0.1:6380", host, ""));
    assert_true(gate_origin_allowed("https://127.0.0.1:6380", host, ""));
    assert_true(gate_origin_allowed("http://lab.example:8080", host, origins));
    assert_true(gate_origin_allowed("https://[fd00::5]:1", host, origins));
    static const char *const bad[] = {"null",
                                      "http://127.0.0.1:63800",
                                      "http://127.0.0.1",
                                      "http://lab.example",
                                      "file:",
                                      "http://127.0.0.1:6380/",
                                      "http://lab.example:8080 ",
                                      "ftp://127.0.0.1:6380",
                                      "http",
                                      "http://lab.example:8080 https://[fd00::5]:1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(gate_origin_allowed(bad[i], host, origins));
}

static void a_token_fits_whole_or_not_at_all(void **unused)
{
    assert_true(gate_token_fits("0123456789abcdef", "0123456789abcdef"));
    static const char *const bad[] = {"",
                                      "0",
                                      "0123456789abcde",
                                      "0123456789abcdef0",
                                      "0123456789abcdeF",
                                      "0123456789abcdef0123456789abcdef"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(gate_token_fits(bad[i], "0123456789abcdef"));
    assert_false(gate_token_fits("", ""));
}

static void assets_are_found_by_their_exact_path(void **unused)
{
    const struct asset *const page = asset_find(page_assets, "/");
    assert_non_null(page);
    assert_ptr_equal(page->bytes, asset_find(page_assets, "/index.html")->bytes);
    assert_string_equal(page->type, "text/html; charset=utf-8");
    const struct asset *const run = asset_find(schema_assets, "/schema/run.json");
    assert_true(run && run->size > 1000 && run->packed && run->packed_size < run->size);
    assert_string_not_equal(run->etag, run->etag_packed);
    static const char *const none[] = {"",
                                       "index.html",
                                       "//",
                                       "/index",
                                       "/schema/run.json/",
                                       "/SCHEMA/run.json",
                                       "/schema/../index.html"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_null(asset_find(page_assets, none[i]));
        assert_null(asset_find(schema_assets, none[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_that_are_this_computer_are_allowed),
        cmocka_unit_test(other_hosts_are_not),
        cmocka_unit_test(origins_must_be_the_own_or_listed),
        cmocka_unit_test(a_token_fits_whole_or_not_at_all),
        cmocka_unit_test(assets_are_found_by_their_exact_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
