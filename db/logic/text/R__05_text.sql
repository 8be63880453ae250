-- What a person's text is: how it is cleaned before it is stored or compared, when it is empty, and what a reaction is.
-- One place for content, edits, names, addresses, names of files, reactions and queries.
-- Code points stand here as ranges, never as a class such as \s or [[:alpha:]]: those depend on the locale of the database.
-- NUL and half surrogates never come here, since PostgreSQL has no text with them: StorableText (Java) takes them out before.

create or replace function chat.is_invisible(content text)
  returns boolean
  immutable
  parallel safe
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  -- Controls and spaces; then by number: soft hyphen, grapheme joiner, Arabic letter mark, Hangul fillers, Ogham space, Khmer inherent
  -- vowels, Mongolian selectors and separator, spaces and marks of general punctuation, braille blank, ideographic space, Hangul
  -- fillers, variation selectors, byte order mark, specials, Brahmi joiner, hieroglyphic controls and blanks, Khitan filler,
  -- shorthand and musical controls, tags and the selectors after them.
  return is_invisible.content !~ (e'[^\u0001-\u0020\u007F-\u00A0\u00AD\u034F\u061C\u115F\u1160\u1680\u17B4\u17B5\u180B-\u180F'
    || e'\u2000-\u200F\u2028-\u202F\u205F-\u206F\u2800\u3000\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFC\U0001107F'
    || e'\U00013430-\U00013442\U00016FE4\U0001BCA0-\U0001BCA3\U0001D159\U0001D173-\U0001D17A\U000E0000-\U000E0FFF]');
end
$$;

comment on function chat.is_invisible(text) is 'Whether a text shows nothing: it has only spaces, controls, fillers, joiners, selectors and marks, of whatever script.';

create or replace function chat.without_directions(content text)
  returns text
  immutable
  parallel safe
  language sql
return translate(without_directions.content, e'\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069', '');

comment on function chat.without_directions(text) is 'The text without embeddings, overrides and isolates of direction; marks (U+200E, U+200F, U+061C) stay.';

create or replace function chat.closed_directions(content text)
  returns text
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  none constant text := chat.without_directions(closed_directions.content);
  piece text[];
  open text := '';                           -- what closes what is open, the outermost first
  result text := '';
begin
  if char_length(closed_directions.content) - char_length(none) > 200 then
    return none;                             -- nobody writes so; UAX #9 stops at a depth of 125
  end if;
  for piece in
    select regexp_matches(closed_directions.content, e'([^\u202A-\u202E\u2066-\u2069]*)([\u202A-\u202E\u2066-\u2069]?)', 'g')
  loop
    result := result || piece[1];
    case
      when piece[2] = '' then
        null;
      when piece[2] = e'\u202C' then         -- closes an embedding; within an isolate only one of that isolate
        if right(open, 1) = piece[2] then
          open := left(open, -1);
          result := result || piece[2];
        end if;
      when piece[2] = e'\u2069' then         -- closes an isolate and what is open in it
        if strpos(open, piece[2]) > 0 then
          open := left(open, -strpos(reverse(open), piece[2]));
          result := result || piece[2];
        end if;
      else
        open := open || case when piece[2] < e'\u2060' collate "C" then e'\u202C' else e'\u2069' end;
        result := result || piece[2];
    end case;
  end loop;
  result := result || reverse(open);
  if char_length(result) - char_length(none) > 200 then
    return none;                             -- so that what is clean stays as it is
  end if;
  return result;
end
$$;

comment on function chat.closed_directions(text) is
  'The text with each direction that it opens (U+202A to U+202E, U+2066 to U+2068) closed, and without what closes nothing, so that it does not turn what stands beside it. Without any when there are more than 200.';

create or replace function chat.clean_text(content text)
  returns text
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  cleaned text := clean_text.content;
begin
  -- Almost every text leaves here, byte for byte.
  if cleaned !~ (e'[\u0001-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u206F\uFDD0-\uFDEF\uFEFF\uFFF9-\uFFFB\uFFFE\uFFFF'
    || e'\U000E0000-\U000E007F]')
  then
    return cleaned;
  end if;
  cleaned := regexp_replace(cleaned, e'\u000D(?!\u000A)|[\u000B\u000C\u0085]', e'\n', 'g');
  cleaned := regexp_replace(cleaned,
    e'[\u0001-\u0008\u000E-\u001F\u007F-\u009F\u206A-\u206F\uFDD0-\uFDEF\uFEFF\uFFF9-\uFFFB\uFFFE\uFFFF]', '', 'g');
  -- Tags hide whole sentences from people, and not from machines. In the flag of a region they belong to it.
  cleaned := regexp_replace(cleaned,
    e'(\U0001F3F4[\U000E0030-\U000E0039\U000E0061-\U000E007A]{3,6}\U000E007F)|[\U000E0000-\U000E007F]', e'\\1', 'g');
  return chat.closed_directions(cleaned);
end
$$;

comment on function chat.clean_text(text) is
  'A text as it is stored: other ends of a line become line feeds; other controls, byte order marks, annotations, deprecated marks, noncharacters and tags outside flags are left out; directions are closed. Joiners, selectors and marks stay.';

create or replace function chat.clean_line(line text)
  returns text
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  cleaned text := chat.clean_text(clean_line.line);
begin
  if cleaned ~ e'[^\u0020-\u007E]|^\u0020|\u0020$' then
    cleaned := regexp_replace(cleaned, e'[\u0009\u000A\u000D\u2028\u2029]+', ' ', 'g');
    cleaned := translate(cleaned, e'\u202A\u202B\u202C\u202D\u202E', '');
    cleaned := regexp_replace(cleaned,
      e'^[\u0020\u00A0\u1680\u2000-\u200B\u202F\u205F\u2060\u3000]+|[\u0020\u00A0\u1680\u2000-\u200B\u202F\u205F\u2060\u3000]+$', '', 'g');
    if chat.is_invisible(cleaned) then
      return '';
    end if;
  end if;
  return cleaned;
end
$$;

comment on function chat.clean_line(text) is
  'A name or a query: as chat.clean_text, in one line, without embeddings and overrides of direction, without spaces around it; empty when it shows nothing.';

create or replace function chat.clean_file_name(file_name text)
  returns text
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select case when n.name in ('.', '..') then '' else n.name end
  from (select chat.clean_line(regexp_replace(clean_file_name.file_name, e'^.*[/\\\\]', ''))) n (name)
$$;

comment on function chat.clean_file_name(text) is 'What stands after the last slash or backslash (RFC 6266, section 4.3), as chat.clean_line; empty for . and ...';

create or replace function chat.clean_address(address text)
  returns text
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select translate(chat.without_directions(chat.clean_text(clean_address.address)), e'\u200E\u200F\u061C', '')
$$;

comment on function chat.clean_address(text) is 'An address as chat.clean_text, and without marks of direction, which no address has. Spaces stay, and are refused.';

create or replace function chat.canonical_reaction(reaction text)
  returns text
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  -- Whom Unicode 16 gives a skin tone.
  with_tones constant text :=
    e'\u261D\u26F9\u270A-\u270D\U0001F385\U0001F3C2-\U0001F3C4\U0001F3C7\U0001F3CA-\U0001F3CC\U0001F442\U0001F443'
    || e'\U0001F446-\U0001F450\U0001F466-\U0001F478\U0001F47C\U0001F481-\U0001F483\U0001F485-\U0001F487\U0001F48F\U0001F491'
    || e'\U0001F4AA\U0001F574\U0001F575\U0001F57A\U0001F590\U0001F595\U0001F596\U0001F645-\U0001F647\U0001F64B-\U0001F64F'
    || e'\U0001F6A3\U0001F6B4-\U0001F6B6\U0001F6C0\U0001F6CC\U0001F90C\U0001F90F\U0001F918-\U0001F91F\U0001F926\U0001F930-\U0001F939'
    || e'\U0001F93C-\U0001F93E\U0001F977\U0001F9B5\U0001F9B6\U0001F9B8\U0001F9B9\U0001F9BB\U0001F9CD-\U0001F9CF\U0001F9D1-\U0001F9DD'
    || e'\U0001FAC3-\U0001FAC5\U0001FAF0-\U0001FAF8';
  -- Shown as text unless U+FE0F follows.
  as_text constant text :=
    e'\u00A9\u00AE\u203C\u2049\u2122\u2139\u2194-\u2199\u21A9\u21AA\u2328\u23CF\u23ED-\u23EF\u23F1\u23F2\u23F8-\u23FA'
    || e'\u24C2\u25AA\u25AB\u25B6\u25C0\u25FB\u25FC\u2600-\u2604\u260E\u2611\u2618\u261D\u2620\u2622\u2623\u2626\u262A\u262E'
    || e'\u262F\u2638-\u263A\u2640\u2642\u265F\u2660\u2663\u2665\u2666\u2668\u267B\u267E\u2692\u2694-\u2697\u2699\u269B\u269C'
    || e'\u26A0\u26A7\u26B0\u26B1\u26C8\u26CF\u26D1\u26D3\u26E9\u26F0\u26F1\u26F4\u26F7-\u26F9\u2702\u2708\u2709\u270C\u270D'
    || e'\u270F\u2712\u2714\u2716\u271D\u2721\u2733\u2734\u2744\u2747\u2763\u2764\u27A1\u2934\u2935\u2B05-\u2B07\u3030\u303D'
    || e'\u3297\u3299\U0001F170\U0001F171\U0001F17E\U0001F17F\U0001F202\U0001F237\U0001F321\U0001F324-\U0001F32C\U0001F336'
    || e'\U0001F37D\U0001F396\U0001F397\U0001F399-\U0001F39B\U0001F39E\U0001F39F\U0001F3CB-\U0001F3CE\U0001F3D4-\U0001F3DF'
    || e'\U0001F3F3\U0001F3F5\U0001F3F7\U0001F43F\U0001F441\U0001F4FD\U0001F549\U0001F54A\U0001F56F\U0001F570\U0001F573-\U0001F579'
    || e'\U0001F587\U0001F58A-\U0001F58D\U0001F590\U0001F5A5\U0001F5A8\U0001F5B1\U0001F5B2\U0001F5BC\U0001F5C2-\U0001F5C4'
    || e'\U0001F5D1-\U0001F5D3\U0001F5DC-\U0001F5DE\U0001F5E1\U0001F5E3\U0001F5E8\U0001F5EF\U0001F5F3\U0001F5FA\U0001F6CB'
    || e'\U0001F6CD-\U0001F6CF\U0001F6E0-\U0001F6E5\U0001F6E9\U0001F6F0\U0001F6F3';
  as_emoji constant text :=
    e'\u231A\u231B\u23E9-\u23EC\u23F0\u23F3\u25FD\u25FE\u2614\u2615\u2648-\u2653\u267F\u2693\u26A1\u26AA\u26AB\u26BD\u26BE'
    || e'\u26C4\u26C5\u26CE\u26D4\u26EA\u26F2\u26F3\u26F5\u26FA\u26FD\u2705\u270A\u270B\u2728\u274C\u274E\u2753-\u2755\u2757'
    || e'\u2795-\u2797\u27B0\u27BF\u2B1B\u2B1C\u2B50\u2B55'
    || e'\U0001F004\U0001F0CF\U0001F18E\U0001F191-\U0001F19A\U0001F201\U0001F21A\U0001F22F\U0001F232-\U0001F23A\U0001F250\U0001F251'
    -- Whole blocks, so that the emoji of later years are emoji here.
    || e'\U0001F300-\U0001F3FA\U0001F400-\U0001F64F\U0001F680-\U0001F6FF\U0001F7E0-\U0001F7FF\U0001F90C-\U0001F9FF\U0001FA70-\U0001FAFF';
  element constant text := '([' || with_tones || e'][\U0001F3FB-\U0001F3FF]|[' || as_text || as_emoji || '])';
  bare text := translate(canonical_reaction.reaction, e'\uFE0E\uFE0F', '');
begin
  if char_length(canonical_reaction.reaction) > 32 then
    return null;
  end if;
  if bare ~ '^:[A-Za-z0-9_+-]{1,30}:$' then
    return lower(bare collate "C");
  end if;
  if bare ~ (
    '^('
    -- A person, thing or group of up to four, joined by U+200D.
    || element || e'(\u200D' || element || '){0,3}'
    -- A key.
    || e'|[0-9#*]\u20E3'
    -- The flag of a country, and of a region.
    || e'|[\U0001F1E6-\U0001F1FF]{2}|\U0001F3F4[\U000E0030-\U000E0039\U000E0061-\U000E007A]{3,6}\U000E007F'
    || ')$')
  then
    return regexp_replace(bare, '([' || as_text || e'](?![\U0001F3FB-\U0001F3FF])|[0-9#*](?=\u20E3))', e'\\1\uFE0F', 'g');
  end if;
  return null;
end
$$;

comment on function chat.canonical_reaction(text) is
  'The one form of a reaction: an emoji as Unicode lists it (fully qualified), or a name in colons in small letters; null for anything else. Skin tones stay distinct.';

create or replace function chat.checked_reaction(reaction text)
  returns text
  stable
  security definer                 -- reads chat.settings, which nobody else reads
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  canonical text := chat.canonical_reaction(checked_reaction.reaction);
  names boolean := (select s.reaction_names from chat.settings s);
begin
  if canonical is null or (left(canonical, 1) = ':' and not names) then
    raise sqlstate 'PT400' using
      message = 'A reaction is one emoji' || case when names then ', or a short name in colons.' else '.' end,
      detail = 'reaction',
      hint = 'Give one emoji such as 👍' || case when names then ', or a name such as :thumbsup: with 1 to 30 letters, digits, _, + or -.'
        else '. Names in colons are allowed by chat.settings.reaction_names.' end;
  end if;
  return canonical;
end
$$;

comment on function chat.checked_reaction(text) is 'The reaction in its one form; PT400 for what is none.';

revoke all on function
  chat.is_invisible, chat.without_directions, chat.closed_directions, chat.clean_text, chat.clean_line, chat.clean_file_name, chat.clean_address,
  chat.canonical_reaction, chat.checked_reaction
from public, anon, authenticated, service_role;
