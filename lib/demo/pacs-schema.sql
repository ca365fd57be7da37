create table pacs_organizations (
  id      uuid primary key,
  name    text not null,
  slug    text not null unique,
  is_demo boolean not null default false
);

create table pacs_users (
  id        uuid primary key,
  email     text not null unique,
  full_name text
);

create table pacs_practitioners (
  id              uuid primary key,
  user_id         uuid references pacs_users,
  organization_id uuid references pacs_organizations,
  full_name       text
);

create table pacs_body_part (
  id         integer primary key,
  name       text,
  identifier text
);

create table pacs_studies (
  id                uuid primary key,
  organization_id   uuid references pacs_organizations,
  dicom_study_id    text,
  modalities        text,
  dicom_description text,
  dicom_date_time   timestamptz,
  deleted           boolean not null default false,
  migrated          boolean not null default false,
  created_at        timestamptz not null default now(),
  updated_at        timestamptz not null default now()
);

create table pacs_series (
  id              uuid primary key,
  study_id        uuid not null references pacs_studies,
  dicom_series_id text,
  series_number   integer,
  modality        text,
  body_part_id    integer references pacs_body_part,
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now()
);

create table pacs_images (
  id              uuid primary key,
  series_id       uuid not null references pacs_series,
  instance_number integer,
  file_path       text,
  file_size       bigint,
  created_at      timestamptz not null default now()
);

create table pacs_reports (
  id           uuid primary key,
  study_id     uuid not null references pacs_studies,
  signed_by_id uuid references pacs_practitioners,
  status       text not null,
  is_active    boolean not null default true,
  deleted      boolean not null default false,
  content      text,
  signed_at    timestamptz,
  created_at   timestamptz not null default now(),
  updated_at   timestamptz not null default now()
);

create index on pacs_reports (study_id);
create index on pacs_reports (signed_by_id);
create index on pacs_series (study_id);
create index on pacs_images (series_id);
