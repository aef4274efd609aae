#include "detector/parameters.h"

#define STATE(type_, name_, text_, ...)                                                            \
    {                                                                                              \
        .name = name_, .access = DETECTOR_READ, .type = DETECTOR_##type_,                          \
        .group = DETECTOR_GROUP_OTHER, .text = text_, __VA_ARGS__                                  \
    }
#define SETTING(group_, type_, name_, text_, ...)                                                  \
    {                                                                                              \
        .name = name_, .access = DETECTOR_READ_WRITE, .type = DETECTOR_##type_,                    \
        .group = DETECTOR_GROUP_##group_, .text = text_, __VA_ARGS__                               \
    }
#define COMMAND(name_, text_, ...)                                                                 \
    {                                                                                              \
        .name = name_, .access = DETECTOR_COMMAND, .type = DETECTOR_TEXT,                          \
        .group = DETECTOR_GROUP_OTHER, .text = text_, __VA_ARGS__                                  \
    }

#define MAX_FRAMES 42949672950.0
#define MAX_DELAY_NS 68719476720.0

static const struct detector_choice off_on[] = {{0, "off"}, {1, "on"}, {0, NULL}};
static const struct detector_choice detector_status[] = {
    {0, "idle"},  {1, "busy"},         {2, "standby"}, {3, "error"},
    {4, "armed"}, {5, "initialising"}, {0, NULL}};
static const struct detector_choice counter_depths[] = {
    {1, ""}, {6, ""}, {12, ""}, {24, ""}, {0, NULL}};
static const struct detector_choice counters[] = {
    {0, "counter 0"}, {1, "counter 1"}, {2, "both"}, {0, NULL}};
static const struct detector_choice gains[] = {
    {0, "super low"}, {1, "low"}, {2, "high"}, {3, "super high"}, {0, NULL}};
static const struct detector_choice polarities[] = {{0, "electrons"}, {1, "holes"}, {0, NULL}};
static const struct detector_choice trigger_starts[] = {{0, "internal"},
                                                        {1, "rising TTL"},
                                                        {2, "falling TTL"},
                                                        {3, "rising LVDS"},
                                                        {4, "falling LVDS"},
                                                        {5, "soft"},
                                                        {6, "multi-gate, rising TTL"},
                                                        {7, "multi-gate, falling TTL"},
                                                        {8, "multi-gate, rising LVDS"},
                                                        {9, "multi-gate, falling LVDS"},
                                                        {10, "multi-gate, soft"},
                                                        {0, NULL}};
static const struct detector_choice trigger_stops[] = {{0, "internal"},     {1, "rising TTL"},
                                                       {2, "falling TTL"},  {3, "rising LVDS"},
                                                       {4, "falling LVDS"}, {0, NULL}};
static const struct detector_choice trigger_outputs[] = {{0, "TTL input"},
                                                         {1, "LVDS input"},
                                                         {2, "delayed TTL input"},
                                                         {3, "delayed LVDS input"},
                                                         {4, "shutter"},
                                                         {5, "one per burst"},
                                                         {6, "shutter and readout"},
                                                         {7, "busy"},
                                                         {8, "soft"},
                                                         {9, "clock"},
                                                         {10, "frame"},
                                                         {0, NULL}};
static const struct detector_choice file_formats[] = {{0, "processed"}, {2, "raw"}, {0, NULL}};
static const struct detector_choice scan_triggers[] = {
    {0, "a position"}, {1, "a line"}, {2, "custom"}, {0, NULL}};
static const struct detector_choice scan_detectors[] = {
    {0, "sum"}, {1, "differential phase contrast"}, {2, "centre of mass"}, {0, NULL}};
static const struct detector_choice fill_modes[] = {
    {0, "none"}, {1, "zero"}, {2, "distribute"}, {3, "interpolate"}, {0, NULL}};

const struct detector_parameter detector_parameters[] = {
    /* state */
    STATE(TEXT, "SOFTWAREVERSION", "Version of the Merlin software", .choices = NULL),
    STATE(CHOICE, "DETECTORSTATUS",
          "What the detector does; old servers say busy where new ones say armed",
          .choices = detector_status),
    STATE(FLOAT, "TEMPERATURE", "Temperature of the detector", .unit = "degrees C"),
    STATE(TEXT, "CHIPTEMPS", "Temperatures of the chips, separated by commas", .unit = "degrees C"),
    STATE(INTEGER, "ERRORCODE", "The last error, 0 for none", .choices = NULL),
    STATE(CHOICE, "TCPCONNECTED", "Whether a client is connected to the data socket",
          .choices = off_on),
    STATE(INTEGER, "TRIGGERINTTL", "State of the trigger input (TTL)", .choices = NULL),
    STATE(INTEGER, "TRIGGERINLVDS", "State of the trigger input (LVDS)", .choices = NULL),
    STATE(INTEGER, "TRIGGERIN", "State of the trigger input (old servers)", .choices = NULL),
    STATE(INTEGER, "IMAGEX", "Width of a frame, pixels of gaps between chips included",
          .unit = "pixels"),
    STATE(INTEGER, "IMAGEY", "Height of a frame, pixels of gaps between chips included",
          .unit = "pixels"),

    /* mode */
    SETTING(MODE, CHOICE, "COUNTERDEPTH", "Depth of the counters", .read_back = true,
            .unit = "bits", .choices = counter_depths),
    SETTING(MODE, CHOICE, "CONTINUOUSRW",
            "Continuous read-write: no dead time between frames; 1, 6 or 12 bits, one counter",
            .read_back = true, .choices = off_on),
    SETTING(MODE, CHOICE, "ENABLECOUNTER1", "Which of the two counters are read", .read_back = true,
            .choices = counters),
    SETTING(MODE, CHOICE, "COLOURMODE",
            "Groups of 2x2 pixels with four thresholds (eight with both counters)",
            .read_back = true, .choices = off_on),
    SETTING(MODE, CHOICE, "CHARGESUMMING", "Sums the charge of neighbouring pixels; uses counter 1",
            .read_back = true, .choices = off_on),
    SETTING(MODE, CHOICE, "GAIN", "Gain of the preamplifier", .choices = gains),
    SETTING(MODE, CHOICE, "POLARITY", "Charge carriers that are collected", .choices = polarities),

    /* time */
    SETTING(TIME, FLOAT, "ACQUISITIONTIME",
            "How long the shutter is open; the frame period in continuous read-write",
            .read_back = true, .unit = "ms", .minimum = 0.001, .maximum = 1000000000.0),
    SETTING(TIME, FLOAT, "ACQUISITIONPERIOD",
            "Start of a frame to the start of the next; without effect in continuous read-write",
            .read_back = true, .unit = "ms", .minimum = 0.001, .maximum = 1000000000.0),

    /* trigger */
    SETTING(TRIGGER, CHOICE, "TRIGGERSTART", "What starts frames", .read_back = true,
            .choices = trigger_starts),
    SETTING(TRIGGER, CHOICE, "TRIGGERSTOP", "What ends frames", .read_back = true,
            .choices = trigger_stops),
    SETTING(TRIGGER, INTEGER, "NUMFRAMESTOACQUIRE",
            "Frames of an acquisition; 0: until it is stopped (new servers)", .read_back = true,
            .unit = "frames", .maximum = MAX_FRAMES),
    SETTING(TRIGGER, INTEGER, "NUMFRAMESPERTRIGGER",
            "Frames that one trigger starts; with a multi-gate trigger the gates that are summed "
            "into a frame",
            .read_back = true, .unit = "frames", .minimum = 1, .maximum = MAX_FRAMES),
    SETTING(TRIGGER, CHOICE, "TRIGGEROUTTTL", "What the TTL trigger output shows",
            .choices = trigger_outputs),
    SETTING(TRIGGER, CHOICE, "TRIGGEROUTTTLINVERT", "Inverts the TTL trigger output",
            .choices = off_on),
    SETTING(TRIGGER, INTEGER, "TRIGGERINTTLDELAY", "Delay of the TTL trigger input", .unit = "ns",
            .maximum = MAX_DELAY_NS, .step = 10),
    SETTING(TRIGGER, CHOICE, "SOFTTRIGGEROUTTTL",
            "Level of the TTL trigger output where that is set by software", .choices = off_on),
    SETTING(TRIGGER, CHOICE, "TRIGGEROUTLVDS", "What the LVDS trigger output shows",
            .choices = trigger_outputs),
    SETTING(TRIGGER, CHOICE, "TRIGGEROUTLVDSINVERT", "Inverts the LVDS trigger output",
            .choices = off_on),
    SETTING(TRIGGER, INTEGER, "TRIGGERINLVDSDELAY", "Delay of the LVDS trigger input", .unit = "ns",
            .maximum = MAX_DELAY_NS, .step = 10),
    SETTING(TRIGGER, CHOICE, "SOFTTRIGGEROUTLVDS",
            "Level of the LVDS trigger output where that is set by software", .choices = off_on),
    SETTING(TRIGGER, CHOICE, "TRIGGERUSEDELAY", "Delayed trigger inputs", .choices = off_on),

    /* files on the Merlin computer */
    SETTING(FILE, CHOICE, "FILEENABLE", "Whether the Merlin computer writes files itself",
            .choices = off_on),
    SETTING(FILE, CHOICE, "FILEFORMAT", "Format of its files, and of what it sends",
            .choices = file_formats),
    SETTING(FILE, TEXT, "FILEDIRECTORY", "Directory of its files", .choices = NULL),
    SETTING(FILE, TEXT, "FILENAME", "Name of its files", .maximum = 256),
    SETTING(FILE, INTEGER, "FILECOUNTER", "Number of its next file", .maximum = 1000000000.0),
    SETTING(FILE, INTEGER, "IMAGESPERFILE", "Frames in each of its files", .unit = "frames",
            .minimum = 1, .maximum = MAX_FRAMES),
    SETTING(FILE, CHOICE, "SAVEALLTOFILE", "One file for the whole acquisition", .choices = off_on),
    SETTING(FILE, CHOICE, "USETIMESTAMPING", "Adds the time to the names of its directories",
            .choices = off_on),

    /* scan */
    SETTING(SCAN, INTEGER, "SCANX", "Positions in a line of the scan", .unit = "positions",
            .maximum = 65536),
    SETTING(SCAN, INTEGER, "SCANY", "Lines of the scan", .unit = "lines", .maximum = 65536),
    SETTING(SCAN, CHOICE, "SCANTRIGGERMODE",
            "What one trigger starts in the scans of the Merlin software",
            .choices = scan_triggers),
    SETTING(SCAN, INTEGER, "SCANTRIGGERFRAMECOUNT",
            "Frames per trigger in the scans of the Merlin software", .unit = "frames",
            .maximum = MAX_FRAMES),
    SETTING(SCAN, INTEGER, "SCANLINESKIP", "Frames to drop per line (flyback) in its live images",
            .unit = "frames", .maximum = 65536),
    SETTING(SCAN, INTEGER, "SCANSTARTSKIP", "Frames to drop at the start in its live images",
            .unit = "frames", .maximum = MAX_FRAMES),
    SETTING(SCAN, INTEGER, "SCANENDSKIP", "Frames to drop at the end in its live images",
            .unit = "frames", .maximum = MAX_FRAMES),
    SETTING(SCAN, CHOICE, "SCANDETECTOR1ENABLE", "Virtual detector 1 of the Merlin software",
            .choices = off_on),
    SETTING(SCAN, CHOICE, "SCANDETECTOR1TYPE",
            "What virtual detector 1 of the Merlin software computes", .choices = scan_detectors),
    SETTING(SCAN, FLOAT, "SCANDETECTOR1CENTREX",
            "Centre, x, of virtual detector 1 of the Merlin software", .unit = "pixels",
            .maximum = 8192),
    SETTING(SCAN, FLOAT, "SCANDETECTOR1CENTREY",
            "Centre, y, of virtual detector 1 of the Merlin software", .unit = "pixels",
            .maximum = 8192),
    SETTING(SCAN, FLOAT, "SCANDETECTOR1INNERRADIUS",
            "Inner radius, of virtual detector 1 of the Merlin software", .unit = "pixels",
            .maximum = 8192),
    SETTING(SCAN, FLOAT, "SCANDETECTOR1OUTERRADIUS",
            "Outer radius, of virtual detector 1 of the Merlin software", .unit = "pixels",
            .maximum = 8192),
    SETTING(SCAN, CHOICE, "SCANDETECTOR2ENABLE", "Virtual detector 2 of the Merlin software",
            .choices = off_on),
    SETTING(SCAN, CHOICE, "SCANDETECTOR2TYPE",
            "What virtual detector 2 of the Merlin software computes", .choices = scan_detectors),
    SETTING(SCAN, FLOAT, "SCANDETECTOR2CENTREX",
            "Centre, x, of virtual detector 2 of the Merlin software", .unit = "pixels",
            .maximum = 8192),
    SETTING(SCAN, FLOAT, "SCANDETECTOR2CENTREY",
            "Centre, y, of virtual detector 2 of the Merlin software", .unit = "pixels",
            .maximum = 8192),
    SETTING(SCAN, FLOAT, "SCANDETECTOR2INNERRADIUS",
            "Inner radius, of virtual detector 2 of the Merlin software", .unit = "pixels",
            .maximum = 8192),
    SETTING(SCAN, FLOAT, "SCANDETECTOR2OUTERRADIUS",
            "Outer radius, of virtual detector 2 of the Merlin software", .unit = "pixels",
            .maximum = 8192),
    SETTING(SCAN, INTEGER, "THSCAN", "Threshold that a threshold scan moves", .maximum = 7),
    SETTING(SCAN, FLOAT, "THSTART", "First threshold of a threshold scan", .unit = "keV",
            .maximum = 999.99),
    SETTING(SCAN, FLOAT, "THSTOP", "Last threshold of a threshold scan", .unit = "keV",
            .maximum = 999.99),
    SETTING(SCAN, FLOAT, "THSTEP", "Step of a threshold scan", .unit = "keV", .maximum = 999.99),
    SETTING(SCAN, INTEGER, "THNUMSTEPS", "Steps of a threshold scan", .maximum = 511),
    SETTING(SCAN, INTEGER, "DACSCANDAC", "DAC that a DAC scan moves", .maximum = 27),
    SETTING(SCAN, INTEGER, "DACSCANSTART", "First value of a DAC scan", .maximum = 511),
    SETTING(SCAN, INTEGER, "DACSCANSTOP", "Last value of a DAC scan", .maximum = 511),
    SETTING(SCAN, INTEGER, "DACSCANSTEP", "Step of a DAC scan", .minimum = -255, .maximum = 255),

    /* other */
    SETTING(OTHER, FLOAT, "THRESHOLD0", "Energy threshold 0", .unit = "keV", .maximum = 999.99),
    SETTING(OTHER, FLOAT, "THRESHOLD1", "Energy threshold 1", .unit = "keV", .maximum = 999.99),
    SETTING(OTHER, FLOAT, "THRESHOLD2", "Energy threshold 2", .unit = "keV", .maximum = 999.99),
    SETTING(OTHER, FLOAT, "THRESHOLD3", "Energy threshold 3", .unit = "keV", .maximum = 999.99),
    SETTING(OTHER, FLOAT, "THRESHOLD4", "Energy threshold 4", .unit = "keV", .maximum = 999.99),
    SETTING(OTHER, FLOAT, "THRESHOLD5", "Energy threshold 5", .unit = "keV", .maximum = 999.99),
    SETTING(OTHER, FLOAT, "THRESHOLD6", "Energy threshold 6", .unit = "keV", .maximum = 999.99),
    SETTING(OTHER, FLOAT, "THRESHOLD7", "Energy threshold 7", .unit = "keV", .maximum = 999.99),
    SETTING(OTHER, FLOAT, "OPERATINGENERGY",
            "Energy of the beam that the thresholds are corrected for", .unit = "keV",
            .maximum = 999.99),
    SETTING(OTHER, FLOAT, "HVBIAS", "Bias voltage of the sensor", .dangerous = true, .unit = "V",
            .maximum = 120),
    SETTING(OTHER, CHOICE, "FILLMODE", "What the pixels of gaps between chips show",
            .choices = fill_modes),
    SETTING(OTHER, CHOICE, "FLATFIELDCORRECTION",
            "Flat-field correction of what is shown and saved", .choices = off_on),
    SETTING(OTHER, TEXT, "FLATFIELDFILE", "File of the flat field", .choices = NULL),
    SETTING(OTHER, CHOICE, "RUNHEADLESS", "Leaves out the live image on the Merlin screen: faster",
            .choices = off_on),
    SETTING(OTHER, CHOICE, "USEACQUISITIONHEADERS",
            "Sends an acquisition header before the frames; merlind needs it", .choices = off_on),
    SETTING(OTHER, INTEGER, "SELECTCHIPS", "Chips that are addressed, a bit each",
            .maximum = 65535),
    SETTING(OTHER, CHOICE, "TRACKVFBK", "Tracks the DAC feedback voltage", .choices = off_on),
    SETTING(OTHER, CHOICE, "WMASKIMAGEDATA", "Masks bad pixels in the image data",
            .choices = off_on),
    SETTING(OTHER, TEXT, "DACFILE", "File of DAC settings to load", .dangerous = true),
    SETTING(OTHER, TEXT, "DACS", "DAC settings", .dangerous = true),
    SETTING(OTHER, TEXT, "PIXELMATRIXLOADFILE", "File of the pixel matrix to load",
            .dangerous = true),
    SETTING(OTHER, TEXT, "PIXELMATRIXSAVEFILE", "File to save the pixel matrix in",
            .dangerous = true),
    SETTING(OTHER, TEXT, "PIXELCONFIG", "Configuration of the pixels", .dangerous = true),
    SETTING(OTHER, TEXT, "PIXELMASK", "Mask of the pixels", .dangerous = true),
    SETTING(OTHER, TEXT, "PIXELTEST", "Test bits of the pixels", .dangerous = true),
    SETTING(OTHER, TEXT, "PIXELTRIM", "Trim of the pixels", .dangerous = true),
    SETTING(OTHER, TEXT, "SELECTTRIM", "Trim that is addressed", .dangerous = true),
    SETTING(OTHER, INTEGER, "ADJUSTTRIM", "Change of the trim of the pixels", .dangerous = true,
            .minimum = -31, .maximum = 31),
    SETTING(OTHER, TEXT, "DEADTIMECORRECTION",
            "In the tables of the manual, but no server does anything with it", .choices = NULL),
    SETTING(OTHER, TEXT, "MASKINDATA",
            "In the tables of the manual, but no server does anything with it", .choices = NULL),
    SETTING(OTHER, TEXT, "THWINDOWMODE",
            "In the tables of the manual, but no server does anything with it", .choices = NULL),
    SETTING(OTHER, TEXT, "THWINDOWSIZE",
            "In the tables of the manual, but no server does anything with it", .choices = NULL),
    SETTING(OTHER, TEXT, "ROI", "Of the X-ray beam position monitor only", .choices = NULL),
    SETTING(OTHER, TEXT, "IMAGESTOSUM", "Of the X-ray beam position monitor only", .choices = NULL),
    SETTING(OTHER, TEXT, "BCKGRNDCORRECTION", "Of the X-ray beam position monitor only",
            .choices = NULL),
    SETTING(OTHER, TEXT, "IMGAVERAGE", "Of the X-ray beam position monitor only", .choices = NULL),

    /* commands */
    COMMAND("STARTACQUISITION", "Arms the detector, and starts it with the internal trigger",
            .choices = NULL),
    COMMAND("STOPACQUISITION", "Stops; frames that are in buffers are still sent", .choices = NULL),
    COMMAND("ABORT", "Stops and throws away what is in buffers", .choices = NULL),
    COMMAND("SOFTTRIGGER", "One trigger by software (TRIGGERSTART 5 or 10)", .choices = NULL),
    COMMAND("THSCAN", "Begins a threshold scan as configured", .choices = NULL),
    COMMAND("DACSCAN", "Begins a DAC scan as configured", .choices = NULL),
    COMMAND("SCANSTARTRECORD", "Begins a single scan of the Merlin software", .choices = NULL),
    COMMAND("SCANSTARTSEARCH", "Begins a repeating scan of the Merlin software", .choices = NULL),
    COMMAND("CLEARERROR", "Clears the error state", .choices = NULL),
    COMMAND("READCHIPTEMPS", "Measures the temperatures of the chips; not during an acquisition",
            .choices = NULL),
    COMMAND("RESET", "Restores the defaults and drops all connections", .dangerous = true),
    COMMAND("STANDBY", "Switches the low voltage of the detector off", .dangerous = true),
    COMMAND("RESTART", "Switches the low voltage of the detector on again", .dangerous = true),
    COMMAND("NOISEEQUALISATION", "Calibrates the trim of the pixels anew", .dangerous = true),
    COMMAND("PROFILES", "Of the X-ray beam position monitor only", .choices = NULL),
    COMMAND("BCKGRND", "Of the X-ray beam position monitor only", .choices = NULL),
};

const size_t detector_n_parameters = sizeof detector_parameters / sizeof detector_parameters[0];
