/* Tracks of cyclones: RSMC Tokyo, HURDAT2, IBTrACS. */
#include <math.h>

#include "feed_help.h"

static const struct feed_case jma[] = {
    {"a cyclone: years of two digits, tenths of degrees, knots",
     "66666 1822  003 0034 1822 0 6             MANGKHUT              20181031        \n"
     "18090700 002 2 127 1666 1004     000                                            \n"
     "18090712 002 3 128 1637 0998     040     00000 0000 90150 0150                  \n"
     "18091118 002 5 140 1353 0905     110     90100 0100 80270 0180 #\n",
     1,
     0,
     {"\"ids\":[\"jma:201822\"]", "MANGKHUT (2018)", "\"at\":\"2018-09-11T18:00:00.000000Z\"",
      "\"lat\":14,\"lon\":135.3,\"wind_ms\":56.58884,\"pressure_hpa\":905",
      "\"issued\":\"2018-10-31T00:00:00.000000Z\"", "\"wind_minutes\":10"}},
    {"a wind of 000 is not known",
     "66666 1501  001 0001 1501 0 6             A                     20150217\n"
     "15011300 002 2 087 1429 1006     000\n",
     1,
     0,
     {"\"lon\":142.9,\"pressure_hpa\":1006}"}},
    {"years from 51 on are of the last century",
     "66666 5101  001 0001 5101 0 6             A                     19900101\n"
     "51021906 002 2 200 1385 1010     \n",
     1,
     0,
     {"jma:195101", "\"at\":\"1951-02-19T06:00:00.000000Z\""}},
    {"all round: the same at every side",
     "66666 1501  001 0001 1501 0 6             A                     20150217\n"
     "15011312 002 3 086 1417 1002     035     00000 0000 90100 0100\n",
     1,
     0,
     {"\"radius_km\":[[185.2,185.2,185.2,185.2],[0,0,0,0],[null,null,null,null]]"}},
    {"out of centre: farther to the east; and all round whatever the shortest says",
     "66666 1501  001 0001 1501 0 6             A                     20150217\n"
     "15011312 002 3 086 1417 1002     035     90100 0060 20100 0060\n",
     1,
     0,
     {"\"radius_km\":[[172.017861,172.017861,119.635391,119.635391],[185.2,185.2,185.2,185.2],"}},
    {"a month of 13 refuses the cyclone, and only that one",
     "66666 1501  001 0001 1501 0 6             A                     20150217\n"
     "15131300 002 2 087 1429 1006     000\n"
     "66666 1502  001 0001 1501 0 6             B                     20150217\n"
     "15011300 002 2 087 1429 1006     000\n",
     1,
     1,
     {"201501: line 2: the time must be YYMMDDHH", "jma:201502"}},
    {"fewer lines than announced",
     "66666 1501  002 0001 1501 0 6             A                     20150217\n"
     "15011300 002 2 087 1429 1006     000\n",
     0,
     1,
     {"the number of its fixes is not what its header says"}},
    {"no header", "15011300 002 2 087 1429 1006     000\n", 0, 0, {"line 1: a header (66666)"}},
    {"a place that is none",
     "66666 1501  001 0001 1501 0 6             A                     20150217\n"
     "15011300 002 2 9a7 1429 1006     000\n",
     0,
     1,
     {"line 2: latitude and longitude"}},
};

#define AL "AL012014,             ARTHUR,      2,\n"
static const struct feed_case hurdat[] = {
    {"a cyclone; -999 and -99 are not known",
     AL
     "20140701, 0600,  , TS, 27.5N,  79.2W,  35, -999, -999, -999, -999, -999,    0,    0,    0,   "
     " "
     "0,    0,    0,    0,    0,\n"
     "20140703, 1800, L, HU, 32.5N, 179.5E, -99,  978,  120,   90,   60,   90,   50,   40,   20,   "
     "30,   20,   15,   10,   20,\n",
     1,
     0,
     {"\"ids\":[\"atcf:AL012014\"]", "ARTHUR (2014)",
      "\"lat\":27.5,\"lon\":-79.2,\"wind_ms\":18.00554,\"radius_km\":[[null,null,null,null],[0",
      "\"lat\":32.5,\"lon\":179.5,\"pressure_hpa\":978,\"radius_km\":[[222.24,",
      "\"wind_minutes\":1"}},
    {"a place without its letter",
     "AL012014, ARTHUR, 1,\n20140701, 0600,  , TS, 27.5,  79.2W,  35, -999,\n",
     0,
     1,
     {"AL012014: line 2: latitude and longitude must be like 32.0N, 78.2W"}},
    {"too few cells",
     "AL012014, ARTHUR, 1,\n20140701, 0600,\n",
     0,
     1,
     {"line 2: eight cells or more are wanted"}},
    {"backwards",
     AL "20140703, 0600,  , TS, 27.5N,  79.2W,  35, 1000,\n"
        "20140701, 0600,  , TS, 27.5N,  79.2W,  35, 1000,\n",
     0,
     1,
     {"not in the order of time"}},
    {"a header without a count",
     "AL012014, ARTHUR, x,\n20140701, 0600,  , TS, 27.5N,  79.2W,  35, 1000,\n",
     0,
     1,
     {"the number of lines is missing"}},
};

#define IB_HEAD                                                                                    \
    "SID,SEASON,NAME,ISO_TIME,LAT,LON,WMO_WIND,WMO_PRES,TRACK_TYPE,USA_ATCF_ID,USA_WIND,USA_PRES," \
    "USA_POCI,USA_R34_NE,USA_R34_SE,USA_R34_SW,USA_R34_NW\n"                                       \
    " ,Year, , ,degrees_north,degrees_east,kts,mb, , ,kts,mb,mb,nmile,nmile,nmile,nmile\n"
static const struct feed_case ibtracs[] = {
    {"the USA columns where they are filled",
     IB_HEAD
     "2018250N12170,2018,MANGKHUT,2018-09-07 00:00:00,12.0,169.5,35,1000,main,WP262018,40,998,"
     "1007,60,50,40,60\n"
     "2018250N12170,2018,MANGKHUT,2018-09-07 03:00:00,12.1,168.9, , ,main,WP262018, , , , , , , "
     "\n",
     1,
     0,
     {"\"ids\":[\"ibtracs:2018250N12170\",\"atcf:WP262018\"]", "\"wind_ms\":20.57776",
      "\"outer_hpa\":1007", "\"radius_km\":[[111.12,92.6,74.08,111.12]", "\"wind_minutes\":1"}},
    {"else WMO's, and two cyclones, and no spurs",
     IB_HEAD "A1,1980,X,1980-01-01 00:00:00,12.0,169.5,35,1000,main, , , , , , , , \n"
             "A1,1980,X,1980-01-01 00:00:00,12.0,169.5,35,1000,spur, , , , , , , , \n"
             "B2,1981,Y,1981-01-01 00:00:00,12.0,169.5, , ,main, , , , , , , , \n",
     2,
     0,
     {"\"wind_ms\":18.00554,\"pressure_hpa\":1000}],\"wind_minutes\":10", "ibtracs:B2"}},
    {"a time that is none",
     IB_HEAD "A1,1980,X,yesterday,12.0,169.5,35,1000,main, , , , , , , , \n",
     0,
     1,
     {"A1: line 3: ISO_TIME must be a time"}},
    {"a column is missing", "SID,SEASON,NAME,LAT,LON\n", 0, 0, {"there is no column ISO_TIME"}},
};

int main(void)
{
    feed_cases(FL_FEED_JMA, jma, FL_LEN(jma));
    feed_cases(FL_FEED_HURDAT2, hurdat, FL_LEN(hurdat));
    feed_cases(FL_FEED_IBTRACS, ibtracs, FL_LEN(ibtracs));
    return tap_done();
}
