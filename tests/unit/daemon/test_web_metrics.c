#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/web/metrics.h"

/* With --print: the table of docs/metrics.md. */

static char *read_document(void)
{
    FILE *const file = fopen(TOP "/docs/metrics.md", "r");
    assert_non_null(file);
    char *const text = calloc(1, 1 << 16);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
    fclose(file);
    return text;
}

static void the_document_has_the_table_as_it_is(void **unused)
{
    char *table = NULL;
    size_t size;
    FILE *const out = open_memstream(&table, &size);
    assert_non_null(out);
    metrics_print_table(out);
    fclose(out);
    char *const document = read_document();
    if (!strstr(document, table))
        fail_msg("docs/metrics.md has another table: put in what test_web_metrics --print prints");
    free(document);
    free(table);
}

/* What promtool checks too, and that no name is there twice. */
static void names_follow_the_conventions(void **unused)
{
    for (const struct metric *metric = metrics; metric->name; metric++) {
        assert_int_equal(strncmp(metric->name, "merlind_", 8), 0);
        assert_int_equal(strspn(metric->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(metric->name));
        const char *const end = strrchr(metric->name, '_');
        assert_int_equal(strcmp(end, "_total") == 0, strcmp(metric->type, "counter") == 0);
        for (const struct metric *other = metric + 1; other->name; other++)
            assert_string_not_equal(metric->name, other->name);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--print") == 0) {
        metrics_print_table(stdout);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_has_the_table_as_it_is),
        cmocka_unit_test(names_follow_the_conventions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
