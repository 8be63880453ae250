-- A reaction has one form: what was given in two that now are one is one, and counts each person once.
-- Locks: a moment's ACCESS EXCLUSIVE on chat.settings; the rows of conversations and messages whose reactions change.

alter table chat.settings
  add column reaction_names boolean not null default true;

comment on column chat.settings.reaction_names is 'Whether a short name in colons (:thumbsup:) is a reaction, beside an emoji.';
comment on column public.message_reactions.reaction is 'An emoji in its one form, or a short name in colons. From before: also a short text of at most 32 characters.';

-- As logic/text has it on the day of this migration.
create function chat.canonical_reaction(reaction text)
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

do $$
declare
  changed record;
  next bigint;
begin
  for changed in
    select
      r.conversation_id,
      r.message_id
    from public.message_reactions r
    where chat.canonical_reaction(r.reaction) <> r.reaction
    group by r.conversation_id, r.message_id
    order by r.conversation_id, r.message_id
  loop
    -- The conversation first, as everywhere; clients catch up by its revision.
    update public.user_conversations c
    set revision = c.revision + 1, updated_at = clock_timestamp()
    where c.id = changed.conversation_id
    returning c.revision into next;

    -- Of one person's reactions that are one now, the oldest stays.
    delete from public.message_reactions r
    using public.message_reactions same
    where r.message_id = changed.message_id
      and same.message_id = r.message_id
      and same.user_id = r.user_id
      and coalesce(chat.canonical_reaction(same.reaction), same.reaction) = coalesce(chat.canonical_reaction(r.reaction), r.reaction)
      and (same.created_at, same.id) < (r.created_at, r.id);

    update public.message_reactions r
    set reaction = chat.canonical_reaction(r.reaction)
    where r.message_id = changed.message_id
      and chat.canonical_reaction(r.reaction) <> r.reaction;

    update public.user_messages m
    set revision = next
    where m.id = changed.message_id;
  end loop;
end
$$;
