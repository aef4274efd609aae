#include "processing/statistics/agreement.h"

#include <errno.h>
#include <math.h>

#include "processing/statistics/distributions.h"

/* The parts of all frames: by both, by the person, by the classifier. */
struct parts {
    double both[SCAN_CLASSES][SCAN_CLASSES], person[SCAN_CLASSES], classifier[SCAN_CLASSES];
};

static void fill_parts(struct parts *parts, const struct agreement *agreement)
{
    *parts = (struct parts){0};
    for (unsigned i = 0; i < SCAN_CLASSES; i++)
        for (unsigned j = 0; j < SCAN_CLASSES; j++) {
            const double part = (double)agreement->confusion[i][j] / (double)agreement->n;
            parts->both[i][j] = part;
            parts->person[i] += part;
            parts->classifier[j] += part;
        }
}

static double kappa_variance(const struct parts *parts, double observed, double chance, double n)
{
    double sum = 0;
    const double kappa = (observed - chance) / (1 - chance);
    for (unsigned i = 0; i < SCAN_CLASSES; i++)
        for (unsigned j = 0; j < SCAN_CLASSES; j++) {
            /* Margins crosswise: an off-diagonal cell weighs with the other's of its classes. */
            const double margins = parts->classifier[i] + parts->person[j];
            const double weight = (i == j) - margins * (1 - kappa);
            sum += parts->both[i][j] * weight * weight;
        }
    const double offset = kappa - chance * (1 - kappa);
    return (sum - offset * offset) / ((1 - chance) * (1 - chance) * n);
}

static void summarise(struct agreement *agreement, double confidence)
{
    struct parts parts;
    double chance = 0;
    fill_parts(&parts, agreement);
    for (unsigned i = 0; i < SCAN_CLASSES; i++) {
        agreement->observed += parts.both[i][i];
        chance += parts.person[i] * parts.classifier[i];
    }
    if (chance >= 1) {
        agreement->kappa = agreement->kappa_error = NAN;
        agreement->kappa_interval = (struct interval){NAN, NAN};
        return;
    }
    agreement->kappa = (agreement->observed - chance) / (1 - chance);
    agreement->kappa_error =
        sqrt(fmax(0, kappa_variance(&parts, agreement->observed, chance, (double)agreement->n)));
    const double half = normal_quantile((1 + confidence) / 2) * agreement->kappa_error;
    agreement->kappa_interval =
        (struct interval){fmax(-1, agreement->kappa - half), fmin(1, agreement->kappa + half)};
}

static int compare(struct agreement *agreement, const uint8_t *person, const uint8_t *classifier,
                   uint64_t n, uint8_t highest, double confidence, struct error *error)
{
    *agreement = (struct agreement){0};
    for (uint64_t i = 0; i < n; i++) {
        if (person[i] >= SCAN_CLASSES || classifier[i] >= SCAN_CLASSES)
            continue;
        const uint8_t a = person[i] < highest ? person[i] : highest;
        const uint8_t b = classifier[i] < highest ? classifier[i] : highest;
        agreement->confusion[a][b]++;
        agreement->n++;
    }
    if (agreement->n == 0)
        return error_set(error, -ENODATA, "no frame has both a label and a class");
    summarise(agreement, confidence);
    return 0;
}

int agreement_of(struct agreement *agreement, const uint8_t *person, const uint8_t *classifier,
                 uint64_t n, double confidence, struct error *error)
{
    return compare(agreement, person, classifier, n, SCAN_CLASSES - 1, confidence, error);
}

int agreement_on_bragg(struct agreement *agreement, const uint8_t *person,
                       const uint8_t *classifier, uint64_t n, double confidence,
                       struct error *error)
{
    return compare(agreement, person, classifier, n, 1, confidence, error);
}
