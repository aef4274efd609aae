#include "tests/bench/bragg/fractions.h"

void fractions_report(FILE *file, const struct fractions *fractions)
{
    fprintf(file,
            "\nfraction of a series with one reference, %u frames each, contrast %g to %g\n"
            "dose  thickness    ",
            fractions->n_frames, fractions->contrast[0], fractions->contrast[1]);
    for (unsigned truth = 0; truth < FRACTIONS_TRUTHS; truth++)
        fprintf(file, " %6.3f", fractions->fraction[truth].truth);
    for (unsigned i = 0; i < FRACTIONS_CONDITIONS * FRACTIONS_TRUTHS; i++) {
        const struct fraction *const f = &fractions->fraction[i];
        if (i % FRACTIONS_TRUTHS == 0)
            fprintf(file, "\n%4g  1 to %g       ", f->dose, f->thickness);
        fprintf(file, " %6.3f", f->found);
    }
    fputs("\n\nintervals that cover the truth: one scan, eight scans\n", file);
    for (unsigned m = 0; m < FRACTIONS_MEANS; m++) {
        const struct covering *const c = &fractions->covering[m];
        fprintf(file, "mean %.1f  %.3f of %u  %.3f of %u\n", c->mean,
                c->single / (double)c->n_single, c->n_single, c->grouped / (double)c->n_grouped,
                c->n_grouped);
    }
}

void fractions_json(FILE *file, const struct fractions *fractions)
{
    fprintf(file,
            ",\n \"fractions\": {\"counts\": %g, \"contrast\": [%g, %g], \"least_contrast\": %g, "
            "\"frames\": %u, \"largest_bias\": %.4g,\n  \"series\": [",
            fractions->counts, fractions->contrast[0], fractions->contrast[1],
            fractions->least_contrast, fractions->n_frames, fractions_bias(fractions));
    for (unsigned i = 0; i < FRACTIONS_CONDITIONS * FRACTIONS_TRUTHS; i++) {
        const struct fraction *const f = &fractions->fraction[i];
        fprintf(file, "%s\n   {\"dose\": %g, \"thickness\": %g, \"truth\": %g, \"found\": %.4g}",
                i ? "," : "", f->dose, f->thickness, f->truth, f->found);
    }
    fprintf(file, "],\n  \"false_rate\": %.4g, \"true_rate\": %.4g, \"coverage\": [",
            fractions->false_rate, fractions->true_rate);
    for (unsigned m = 0; m < FRACTIONS_MEANS; m++) {
        const struct covering *const c = &fractions->covering[m];
        fprintf(file,
                "%s\n   {\"mean\": %g, \"scans\": %u, \"one_scan\": %.4g, \"groups\": %u, "
                "\"eight_scans\": %.4g}",
                m ? "," : "", c->mean, c->n_single, c->single / (double)c->n_single, c->n_grouped,
                c->grouped / (double)c->n_grouped);
    }
    fputs("]}", file);
}
