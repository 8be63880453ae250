-- Claims that only the service can make: signed with a secret that the database knows, too.
-- Locks: chat.settings, one row, ACCESS EXCLUSIVE.
-- squawk-ignore-file adding-field-with-default, constraint-missing-not-valid

create function chat.hmac_pads(secret text)
  returns bytea[]
  immutable
  strict
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  inner_pad bytea := convert_to(secret, 'UTF8');
  outer_pad bytea;
begin
  if octet_length(inner_pad) > 64 then
    inner_pad := sha256(inner_pad);
  end if;
  inner_pad := inner_pad || decode(repeat('00', 64 - octet_length(inner_pad)), 'hex');
  outer_pad := inner_pad;
  for i in 0..63 loop
    inner_pad := set_byte(inner_pad, i, get_byte(inner_pad, i) # 54);
    outer_pad := set_byte(outer_pad, i, get_byte(outer_pad, i) # 92);
  end loop;
  return array[inner_pad, outer_pad];
end
$$;

comment on function chat.hmac_pads(text) is 'The two padded keys of HMAC-SHA256 (RFC 2104), inner and outer.';

revoke all on function chat.hmac_pads from public;

alter table chat.settings
  add column claims_secret text,
  add column previous_claims_secret text,
  add column claims_pads bytea[] generated always as (chat.hmac_pads(claims_secret)) stored,
  add column previous_claims_pads bytea[] generated always as (chat.hmac_pads(previous_claims_secret)) stored,
  add constraint claims_secret_length check (octet_length(claims_secret) >= 32),
  add constraint previous_claims_secret_length check (octet_length(previous_claims_secret) >= 32);

comment on column chat.settings.claims_secret is
  'With it, claims are believed only where the service has signed them: a login alone is nobody. At least 32 bytes; null: not signed. CHAT_CLAIMS_SECRET. No role but the owner reads it.';
comment on column chat.settings.previous_claims_secret is 'The secret of before, believed as well while the last node that signs with it is there; null for none.';
comment on column chat.settings.claims_pads is 'claims_secret as HMAC needs it.';
comment on column chat.settings.previous_claims_pads is 'previous_claims_secret as HMAC needs it.';
