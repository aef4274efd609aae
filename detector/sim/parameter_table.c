#include "detector/sim/parameters.h"

#define MAX_FRAMES 42949672950.0
#define MAX_DELAY_NS 68719476720.0

#define INTEGER(name, low, high, initial)                                                          \
    {                                                                                              \
        name, PARAMETER_INTEGER, low, high, initial, false, true                                   \
    }
#define REAL(name, low, high, initial)                                                             \
    {                                                                                              \
        name, PARAMETER_REAL, low, high, initial, false, true                                      \
    }
#define OPEN_INTEGER(name, low, high, initial)                                                     \
    {                                                                                              \
        name, PARAMETER_INTEGER, low, high, initial, false, false                                  \
    }
#define OPEN_REAL(name, low, high, initial)                                                        \
    {                                                                                              \
        name, PARAMETER_REAL, low, high, initial, false, false                                     \
    }
#define TEXT(name, initial)                                                                        \
    {                                                                                              \
        name, PARAMETER_TEXT, 0, 0, initial, false, false                                          \
    }
#define READ_INTEGER(name, initial)                                                                \
    {                                                                                              \
        name, PARAMETER_INTEGER, 0, 0, initial, true, false                                        \
    }
#define READ_REAL(name, initial)                                                                   \
    {                                                                                              \
        name, PARAMETER_REAL, 0, 0, initial, true, false                                           \
    }
#define READ_TEXT(name, initial)                                                                   \
    {                                                                                              \
        name, PARAMETER_TEXT, 0, 0, initial, true, false                                           \
    }

/* DETECTORSTATUS and TCPCONNECTED are not here: they are asked of the acquisition. */
const struct parameter_row parameter_table[] = {
    [PARAMETER_NUMFRAMESTOACQUIRE] = INTEGER("NUMFRAMESTOACQUIRE", 0, MAX_FRAMES, "1"),
    [PARAMETER_ACQUISITIONTIME] = REAL("ACQUISITIONTIME", 0.001, 1e9, "1"),
    [PARAMETER_ACQUISITIONPERIOD] = REAL("ACQUISITIONPERIOD", 0.001, 1e9, "1"),
    [PARAMETER_COUNTERDEPTH] = {"COUNTERDEPTH", PARAMETER_DEPTH, 1, 24, "12", false, true},
    [PARAMETER_CONTINUOUSRW] = INTEGER("CONTINUOUSRW", 0, 1, "1"),
    [PARAMETER_ENABLECOUNTER1] = INTEGER("ENABLECOUNTER1", 0, 2, "0"),
    [PARAMETER_COLOURMODE] = INTEGER("COLOURMODE", 0, 1, "0"),
    [PARAMETER_CHARGESUMMING] = INTEGER("CHARGESUMMING", 0, 1, "0"),
    [PARAMETER_USEACQUISITIONHEADERS] = INTEGER("USEACQUISITIONHEADERS", 0, 1, "1"),
    [PARAMETER_FILEFORMAT] = INTEGER("FILEFORMAT", 0, 2, "0"),
    [PARAMETER_TRIGGERSTART] = INTEGER("TRIGGERSTART", 0, 10, "0"),
    [PARAMETER_TRIGGERSTOP] = INTEGER("TRIGGERSTOP", 0, 4, "0"),
    [PARAMETER_NUMFRAMESPERTRIGGER] = INTEGER("NUMFRAMESPERTRIGGER", 1, MAX_FRAMES, "1"),
    [PARAMETER_SCANX] = INTEGER("SCANX", 0, 65536, "0"),
    [PARAMETER_SCANY] = INTEGER("SCANY", 0, 65536, "0"),
    [PARAMETER_IMAGEX] = READ_INTEGER("IMAGEX", "256"),
    [PARAMETER_IMAGEY] = READ_INTEGER("IMAGEY", "256"),
    READ_TEXT("SOFTWAREVERSION", "1.6.1.217"),
    READ_REAL("TEMPERATURE", "43.80925"),
    READ_TEXT("CHIPTEMPS", "40.1,40.2,40.1,40.3"),
    READ_INTEGER("ERRORCODE", "0"),
    READ_INTEGER("TRIGGERINTTL", "0"),
    READ_INTEGER("TRIGGERINLVDS", "0"),
    READ_INTEGER("TRIGGERIN", "0"),
    INTEGER("GAIN", 0, 3, "0"),
    REAL("THRESHOLD0", 0, 999.99, "20"),
    REAL("THRESHOLD1", 0, 999.99, "511"),
    REAL("THRESHOLD2", 0, 999.99, "0"),
    REAL("THRESHOLD3", 0, 999.99, "0"),
    REAL("THRESHOLD4", 0, 999.99, "0"),
    REAL("THRESHOLD5", 0, 999.99, "0"),
    REAL("THRESHOLD6", 0, 999.99, "0"),
    REAL("THRESHOLD7", 0, 999.99, "0"),
    REAL("OPERATINGENERGY", 0, 999.99, "200"),
    REAL("HVBIAS", 0, 120, "120"),
    INTEGER("POLARITY", 0, 1, "1"),
    INTEGER("FILLMODE", 0, 3, "0"),
    INTEGER("FLATFIELDCORRECTION", 0, 1, "0"),
    TEXT("FLATFIELDFILE", "None"),
    OPEN_INTEGER("RUNHEADLESS", 0, 1, "0"),
    OPEN_INTEGER("TRIGGEROUTTTL", 0, 10, "4"),
    OPEN_INTEGER("TRIGGEROUTLVDS", 0, 10, "4"),
    OPEN_INTEGER("TRIGGEROUTTTLINVERT", 0, 1, "0"),
    OPEN_INTEGER("TRIGGEROUTLVDSINVERT", 0, 1, "0"),
    INTEGER("TRIGGERINTTLDELAY", 0, MAX_DELAY_NS, "0"),
    INTEGER("TRIGGERINLVDSDELAY", 0, MAX_DELAY_NS, "0"),
    INTEGER("TRIGGERUSEDELAY", 0, 1, "0"),
    OPEN_INTEGER("SOFTTRIGGEROUTTTL", 0, 1, "0"),
    OPEN_INTEGER("SOFTTRIGGEROUTLVDS", 0, 1, "0"),
    OPEN_INTEGER("FILEENABLE", 0, 1, "0"),
    TEXT("FILEDIRECTORY", "c:\\MERLIN_Images"),
    TEXT("FILENAME", "default"),
    OPEN_INTEGER("FILECOUNTER", 0, 1e9, "1"),
    OPEN_INTEGER("IMAGESPERFILE", 1, 1e9, "1"),
    OPEN_INTEGER("SAVEALLTOFILE", 0, 1, "1"),
    OPEN_INTEGER("USETIMESTAMPING", 0, 1, "0"),
    INTEGER("SCANTRIGGERMODE", 0, 2, "0"),
    INTEGER("SCANTRIGGERFRAMECOUNT", 0, MAX_FRAMES, "1"),
    INTEGER("SCANLINESKIP", 0, 65536, "0"),
    INTEGER("SCANSTARTSKIP", 0, MAX_FRAMES, "0"),
    INTEGER("SCANENDSKIP", 0, MAX_FRAMES, "0"),
    OPEN_INTEGER("SCANDETECTOR1ENABLE", 0, 1, "0"),
    OPEN_INTEGER("SCANDETECTOR1TYPE", 0, 2, "0"),
    OPEN_REAL("SCANDETECTOR1CENTREX", 0, 8192, "128"),
    OPEN_REAL("SCANDETECTOR1CENTREY", 0, 8192, "128"),
    OPEN_REAL("SCANDETECTOR1INNERRADIUS", 0, 8192, "0"),
    OPEN_REAL("SCANDETECTOR1OUTERRADIUS", 0, 8192, "32"),
    OPEN_INTEGER("SCANDETECTOR2ENABLE", 0, 1, "0"),
    OPEN_INTEGER("SCANDETECTOR2TYPE", 0, 2, "0"),
    OPEN_REAL("SCANDETECTOR2CENTREX", 0, 8192, "128"),
    OPEN_REAL("SCANDETECTOR2CENTREY", 0, 8192, "128"),
    OPEN_REAL("SCANDETECTOR2INNERRADIUS", 0, 8192, "32"),
    OPEN_REAL("SCANDETECTOR2OUTERRADIUS", 0, 8192, "64"),
    INTEGER("THSCAN", 0, 7, "0"),
    REAL("THSTART", 0, 999.99, "0"),
    REAL("THSTOP", 0, 999.99, "100"),
    REAL("THSTEP", 0, 999.99, "1"),
    INTEGER("THNUMSTEPS", 0, 511, "0"),
    INTEGER("DACSCANDAC", 0, 27, "0"),
    INTEGER("DACSCANSTART", 0, 511, "0"),
    INTEGER("DACSCANSTOP", 0, 511, "511"),
    INTEGER("DACSCANSTEP", -255, 255, "1"),
    TEXT("DACFILE", "None"),
    INTEGER("SELECTCHIPS", 0, 65535, "15"),
};

const size_t parameter_count = sizeof parameter_table / sizeof parameter_table[0];

_Static_assert(sizeof parameter_table / sizeof parameter_table[0] <= PARAMETER_COUNT_MAX,
               "struct parameters has room for every row");
