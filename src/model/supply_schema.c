/* The tables of a network of supply, column by column. Columns are only ever added at the end. */
#include "model/supply.h"

#include <math.h>

/* NOLINTBEGIN(bugprone-macro-parentheses): texts and numbers of a table, each an initialiser by
 * itself */
#define ID(name_, table_, aliases_, about_)                                                        \
    {                                                                                              \
        .name = name_, .kind = FL_CELL_ID, .key = true, .required = true, .refers = table_,        \
        .aliases = aliases_, .about = about_                                                       \
    }
#define KEY_REF(name_, table_, aliases_, about_)                                                   \
    {                                                                                              \
        .name = name_, .kind = FL_CELL_REF, .key = true, .required = true, .refers = table_,       \
        .aliases = aliases_, .about = about_                                                       \
    }
#define REF(name_, table_, aliases_, about_)                                                       \
    {                                                                                              \
        .name = name_, .kind = FL_CELL_REF, .refers = table_, .aliases = aliases_, .about = about_ \
    }
#define TEXT(name_, aliases_, about_)                                                              \
    {                                                                                              \
        .name = name_, .kind = FL_CELL_TEXT, .aliases = aliases_, .about = about_                  \
    }
#define OF_KIND(name_, kind_, aliases_, about_)                                                    \
    {                                                                                              \
        .name = name_, .kind = FL_CELL_##kind_, .aliases = aliases_, .about = about_               \
    }
#define WORD(name_, words_, aliases_, about_)                                                      \
    {                                                                                              \
        .name = name_, .kind = FL_CELL_WORD, .words = words_, .aliases = aliases_, .about = about_ \
    }
#define NUMBER(name_, min_, max_, unit_, aliases_, about_)                                         \
    {                                                                                              \
        .name = name_, .kind = FL_CELL_NUMBER, .min = min_, .max = max_, .unit = unit_,            \
        .aliases = aliases_, .about = about_                                                       \
    }
#define NUMBER_WANTED(name_, min_, max_, unit_, aliases_, about_)                                  \
    {                                                                                              \
        .name = name_, .kind = FL_CELL_NUMBER, .required = true, .min = min_, .max = max_,         \
        .unit = unit_, .aliases = aliases_, .about = about_                                        \
    }
#define ABOVE(name_, required_, max_, unit_, aliases_, about_)                                     \
    {                                                                                              \
        .name = name_, .kind = FL_CELL_NUMBER, .required = required_, .min = 0, .above_min = true, \
        .max = max_, .unit = unit_, .aliases = aliases_, .about = about_                           \
    }

/* NOLINTEND(bugprone-macro-parentheses) */

#define MANY     1e15 /* units, money: beyond is a slip of the pen */
#define DAYS_MAX 3660.0
#define SAID_BY  "saidby,quelle,author"
#define VERIFIED "verified,verifiedat,checkedon,bestaetigtam,stand"
#define CURRENCY "currencycode,waehrung,waers,curr"
#define COUNTRY  "countrycode,land,land1,countryiso,nation"

const struct fl_supply_schema fl_supply_schemas[FL_SUPPLY_TABLES] = {
    [FL_SUPPLY_SUPPLIERS] =
        {"suppliers",
         "supplier",
         "companies that make or pass on parts",
         FL_SUPPLIER_COLUMNS,
         {
             ID("supplier_id", FL_SUPPLY_SUPPLIERS,
                "lifnr,vendor,vendorid,vendornumber,vendorno,supplier,suppliernumber,lieferant,"
                "lieferantennummer,kreditor",
                "number of the company"),
             TEXT("name", "name1,suppliername,vendorname,lieferantenname,company,firma,legalname",
                  "name of the company"),
             OF_KIND("country", COUNTRY, COUNTRY, "country of its headquarters"),
             NUMBER("tier", 1, 20, NULL, "tierlevel,stufe", "1: sells to us; 2: to those; ..."),
             WORD("kind", "maker,distributor,warehouse,broker,service", "suppliertype,type,art",
                  "distributors and warehouses are never a second source"),
             REF("parent_id", FL_SUPPLY_SUPPLIERS, "group,groupid,parent,konzern",
                 "group that it belongs to"),
             TEXT("register_number", "duns,lei,registernumber,ustid,vatnumber,stceg,hrb",
                  "register, LEI, DUNS or VAT number: equal ones are one company"),
             OF_KIND("verified_on", DATE, VERIFIED, "when somebody last confirmed it"),
             TEXT("said_by", SAID_BY, "who said so"),
         }},
    [FL_SUPPLY_SITES] =
        {"sites",
         "site",
         "places where parts are made, tested, stored",
         FL_SITE_COLUMNS,
         {
             ID("site_id", FL_SUPPLY_SITES,
                "site,plant,werk,werks,plantid,facility,facilityid,location,locationid,factoryid",
                "number of the site"),
             REF("supplier_id", FL_SUPPLY_SUPPLIERS,
                 "lifnr,vendor,vendorid,vendornumber,supplier,suppliernumber,lieferant,kreditor",
                 "company that runs it"),
             TEXT("name", "sitename,plantname,facilityname,werksort,ort,name2,locationname",
                  "what people call it"),
             NUMBER("lat", -90, 90, "degrees", "latitude,breite,breitengrad,geolat,y",
                    "latitude, WGS 84"),
             NUMBER("lon", -180, 180, "degrees",
                    "longitude,lng,long,laenge,laengengrad,geolon,geolng,x", "longitude, WGS 84"),
             OF_KIND("country", COUNTRY, COUNTRY, "where it stands"),
             TEXT("activity", "activities,function,taetigkeit,process", "what is done there"),
             NUMBER_WANTED("ttr_days", 0, DAYS_MAX, "days",
                           "ttr,recoverytime,recoverytimedays,recoverydays,wiederanlauf,"
                           "wiederanlaufwo,recoverytimeweeks,ttrweeks",
                           "time to recover: until it makes what it makes today"),
             ABOVE("capacity_per_day", false, MANY, "units/day",
                   "capacity,kapatag,kapazitaet,dailycapacity,maxperday",
                   "of all its parts together; empty: not limited"),
             REF("alternate_site_id", FL_SUPPLY_SITES, "alternate,alternatesite,ausweichwerk",
                 "site of the same company that can take over"),
             NUMBER("bring_up_days", 0, DAYS_MAX, "days",
                    "bringup,bringuptime,anlaufzeit,bringupweeks",
                    "until the alternate site delivers"),
             NUMBER("radius_km", 0, 2000, "km", "accuracy,uncertaintykm,genauigkeit",
                    "how uncertain the position is; empty: exact"),
             TEXT("city", "town,stadt,municipality", "town, for people"),
             TEXT("port", "locode,unlocode,hafen,portcode", "UN/LOCODE of the port it ships by"),
             OF_KIND("verified_on", DATE, VERIFIED, "when somebody last confirmed it"),
             TEXT("said_by", SAID_BY, "who said so"),
         }},
    [FL_SUPPLY_PARTS] =
        {"parts",
         "part",
         "what is bought or made on the way to a product",
         FL_PART_COLUMNS,
         {
             ID("part_id", FL_SUPPLY_PARTS,
                "part,partnumber,partno,matnr,material,materialnumber,teilenummer,item,itemid,sku",
                "number of the part"),
             TEXT("name", "description,partname,maktx,bezeichnung,materialtext", "what it is"),
             TEXT("class", "commodity,partclass,matkl,warengruppe,category", "kind of part"),
             NUMBER("stock_units", 0, MANY, "units",
                    "stock,onhand,bestand,labst,inventory,quantityonhand",
                    "in stock, shared by all its sources; empty: taken as none, and said so"),
             NUMBER("lead_days", 0, DAYS_MAX, "days",
                    "leadtime,leadtimedays,plifz,lieferzeit,wiederbeschaffungszeit,leadtimeweeks",
                    "from order to delivery"),
             NUMBER("unit_cost", 0, MANY, NULL, "cost,price,stprs,preis,standardcost",
                    "of one, in currency"),
             OF_KIND("currency", CURRENCY, CURRENCY, "of unit_cost"),
             WORD("lifecycle", "active,new,not_recommended,last_buy,end_of_life,obsolete",
                  "lifecyclestatus,status,lebenszyklus", "how long it can still be bought"),
             WORD("custody_class", "standard,A,B,C", "custody,protectionclass,schutzklasse",
                  "A: matters to the security of a product"),
             OF_KIND("stock_on", DATE, "stockdate,bestandam,countedon", "when stock was counted"),
         }},
    [FL_SUPPLY_PART_SITES] =
        {"part_sites",
         "source",
         "who makes which part where",
         FL_SOURCE_COLUMNS,
         {
             KEY_REF("part_id", FL_SUPPLY_PARTS,
                     "part,partnumber,partno,matnr,material,teilenummer,item,sku", "the part"),
             KEY_REF("site_id", FL_SUPPLY_SITES,
                     "site,plant,werk,werks,plantid,facility,facilityid,factoryid", "the site"),
             NUMBER("share", 0, 1, NULL, "split,quota,anteil,quote",
                    "of today's volume; 0: qualified, not used"),
             OF_KIND("qualified", BOOL, "approved,released,freigegeben", "may deliver; empty: yes"),
             WORD("source", "customer,supplier,both,public,inferred", "mappedby,origin,herkunft",
                  "who said that this part comes from there"),
             OF_KIND("verified_on", DATE, VERIFIED, "when it was last confirmed"),
             NUMBER("bring_up_days", 0, DAYS_MAX, "days", "bringup,bringuptime,anlaufzeit",
                    "until a source that is not used delivers"),
             TEXT("said_by", SAID_BY, "who said so"),
         }},
    [FL_SUPPLY_PRODUCTS] =
        {"products",
         "product",
         "what is sold",
         FL_PRODUCT_COLUMNS,
         {
             ID("product_id", FL_SUPPLY_PRODUCTS,
                "product,productnumber,model,sku,finishedgood,erzeugnis,produkt",
                "number of the product"),
             TEXT("name", "productname,description,bezeichnung,maktx", "what it is called"),
             WORD("stage", "production,concept,design,prototype,end_of_life",
                  "lifecycle,phase,productstage", "earlier stages weigh more in scores"),
             NUMBER("demand_per_day", 0, MANY, "units/day",
                    "demand,dailydemand,bedarftag,forecastperday", "what is sold"),
             NUMBER("profit_per_unit", -MANY, MANY, NULL, "profit,margin,deckungsbeitrag,db",
                    "lost with each unit that is not delivered"),
             NUMBER("revenue_per_unit", 0, MANY, NULL, "price,listprice,revenue,erloes,netprice",
                    "of one"),
             NUMBER("stock_units", 0, MANY, "units", "stock,onhand,bestand,inventory",
                    "finished ones in stock"),
             OF_KIND("currency", CURRENCY, CURRENCY, "of profit and revenue"),
             NUMBER("backlog_share", 0, 1, NULL, "backlog,recoverable,nachholbar",
                    "of what is late is still sold later"),
         }},
    [FL_SUPPLY_BOM] =
        {"bom",
         "line of a bill of material",
         "what is in what",
         FL_BOM_COLUMNS,
         {
             {.name = "parent_id",
              .kind = FL_CELL_ITEM,
              .key = true,
              .required = true,
              .aliases = "parent,assembly,baugruppe,kopf,parentpart,product,productid",
              .about = "part or product that is made"},
             KEY_REF("part_id", FL_SUPPLY_PARTS,
                     "part,component,child,idnrk,komponente,partnumber,childpart,matnr",
                     "part that it takes"),
             ABOVE("quantity", true, MANY, "units", "qty,menge,qtyper,quantityper,menng",
                   "of the part in one parent"),
         }},
    [FL_SUPPLY_REVENUE] =
        {"revenue",
         "row of revenue",
         "revenue of a product in a period; every row counts",
         FL_REVENUE_COLUMNS,
         {
             KEY_REF("product_id", FL_SUPPLY_PRODUCTS, "product,productnumber,model,sku",
                     "the product"),
             {.name = "period",
              .kind = FL_CELL_PERIOD,
              .key = true,
              .required = true,
              .aliases = "quarter,month,year,quartal,monat,jahr,zeitraum",
              .about = "2026, 2026-Q3 or 2026-07"},
             {.name = "channel",
              .kind = FL_CELL_TEXT,
              .key = true,
              .aliases = "region,segment,customer,vertriebsweg",
              .about = "region or channel, where there are several rows for a period"},
             NUMBER_WANTED("amount", -MANY, MANY, NULL, "revenue,sales,umsatz,value,betrag",
                           "in currency"),
             OF_KIND("currency", CURRENCY, CURRENCY, "empty: that of the product"),
         }},
    [FL_SUPPLY_RATES] =
        {"rates",
         "rate",
         "what one unit of a currency is worth in the base currency, from a day on",
         FL_RATE_COLUMNS,
         {
             {.name = "currency",
              .kind = FL_CELL_CURRENCY,
              .key = true,
              .required = true,
              .aliases = CURRENCY,
              .about = "the currency"},
             {.name = "date",
              .kind = FL_CELL_DATE,
              .key = true,
              .required = true,
              .aliases = "day,datum,from,validfrom",
              .about = "from this day on"},
             ABOVE("rate", true, 1e9, NULL, "value,kurs,exchangerate", "base currency for one"),
         }},
    [FL_SUPPLY_CONTACTS] =
        {"contacts",
         "contact",
         "who is asked at a supplier, and who next",
         FL_CONTACT_COLUMNS,
         {
             KEY_REF("supplier_id", FL_SUPPLY_SUPPLIERS, "lifnr,vendor,vendorid,supplier,lieferant",
                     "the supplier"),
             {.name = "number",
              .kind = FL_CELL_NUMBER,
              .key = true,
              .required = true,
              .min = 1,
              .max = 20,
              .aliases = "order,rang,position,escalation",
              .about = "1 is asked first, 2 when 1 is silent"},
             TEXT("name", "contact,contactname,ansprechpartner,person", "the person"),
             TEXT("email", "mail,emailaddress,smtp", "where the question goes"),
             TEXT("language", "lang,sprache,spras", "de, ja, zh ...; empty: of the country"),
         }},
};
