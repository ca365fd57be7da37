/**
 * The tables of a ratarmount index, format 0.7.0, as ratarmountcore 0.11 makes them. A tar without compression and
 * extended attributes needs no others.
 */
export const TABLES = `
  create table files (
    path           varchar(65535) not null,
    name           varchar(65535) not null,
    offsetheader   integer,
    offset         integer,
    size           integer,
    mtime          real,
    mode           integer,
    type           integer,
    linkname       varchar(65535),
    uid            integer,
    gid            integer,
    istar          bool,
    issparse       bool,
    isgenerated    bool,
    recursiondepth integer,
    primary key (path, name, offsetheader)
  );
  create table metadata (key varchar(65535) not null, value varchar(65535) not null, primary key (key));
  create table versions (
    name    varchar(65535) not null,
    version varchar(65535) not null,
    major   integer,
    minor   integer,
    patch   integer,
    primary key (name)
  );
`

/** Columns of `files` up to format 0.5.0; later ones append two. */
export const FILES_0_5 = [
  ...["path", "name", "offsetheader", "offset", "size", "mtime", "mode"],
  ...["type", "linkname", "uid", "gid", "istar", "issparse"],
]

export const FILES_0_7 = [...FILES_0_5, "isgenerated", "recursiondepth"]

export const METADATA = ["key", "value"]

export const VERSIONS = ["name", "version", "major", "minor", "patch"]
