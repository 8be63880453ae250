-- What somebody looks for is compared without case, accents, width and the forms of one letter: the same in every locale and on every
-- version. So by tables and normalize(), not by lower() of the database's locale, nor by an extension.
-- The index of search_messages keeps what these functions give: who changes one counts on chat.search_version, so that the index is
-- made anew, unless it only leaves out terms that no query has (chat.beginning_of).

create or replace function chat.fold(content text)
  returns text
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  t text collate "C" := fold.content;        -- lower() knows the letters of ASCII then, wherever it runs
begin
  if octet_length(t) = char_length(t) then
    return lower(t);
  end if;

  -- Apostrophes, quotes, dashes and spaces; first, as normalize() makes a space and an accent of some.
  if t ~ e'[\\u0085\\u00ab\\u00b4\\u00bb\\u02b9-\\u02c8\\u0384\\u1680\\u1fbf\\u1ffe\\u2010-\\u2033\\u2212\\uff02\\uff07]' then
    t := translate(t,
      e'´΄᾿´῾‘’‚‛′ʹʻʼʽˈ＇“”„‟″«»＂‐‑‒–—―−\u0085\u1680\u2028\u2029',
      repeat('''', 16) || repeat('"', 8) || repeat('-', 7) || repeat(' ', 4));
  end if;
  t := normalize(t, nfkd);
  -- Accents, points, and what is not seen. Vowel signs stay, and the dots of kana.
  t := lower(regexp_replace(t,
    e'[\\u00ad\\u0300-\\u036f\\u0483-\\u0489\\u0591-\\u05bd\\u05bf\\u05c1\\u05c2\\u05c4\\u05c5\\u05c7\\u0610-\\u061c\\u0640\\u064b-\\u065f'
    || e'\\u0670\\u06d6-\\u06dc\\u06df-\\u06e8\\u06ea-\\u06ed\\u0711\\u0730-\\u074a\\u07eb-\\u07f3\\u093c\\u09bc\\u0a3c\\u0abc\\u0b3c\\u135d-\\u135f'
    || e'\\u180b-\\u180f\\u1ab0-\\u1aff\\u1dc0-\\u1dff\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\u20d0-\\u20ff\\ufe00-\\ufe0f\\ufe20-\\ufe2f'
    || e'\\ufeff\\U0001f3fb-\\U0001f3ff\\U000e0000-\\U000e0fff]+', '', 'g'));

  -- Thai and Lao: a tone stands before the mark that is a part of the vowel am, however it was typed.
  if t ~ e'[\\u0e4d\\u0ecd][\\u0e48-\\u0e4b\\u0ec8-\\u0ecb]' then
    t := regexp_replace(t, e'([\\u0e4d\\u0ecd])([\\u0e48-\\u0e4b\\u0ec8-\\u0ecb])', e'\\2\\1', 'g');
  end if;

  -- Each script by itself: a table is read through for each letter.
  if t ~ '[ßẞþÞæÆœŒ]' then
    t := replace(replace(replace(replace(t, 'ß', 'ss'), 'ẞ', 'ss'), 'þ', 'th'), 'Þ', 'th');
    t := replace(replace(replace(replace(t, 'æ', 'ae'), 'Æ', 'ae'), 'œ', 'oe'), 'Œ', 'oe');
  end if;
  if t ~ e'[\\u00c6-\\u024f]' then
    t := translate(
      t,
      'ØøĐđÐðƉɖƊɗŁłĦħıŦŧƬƭƮʈȾⱦŊŋĸƁɓƘƙƳƴƝɲƗɨɄʉƆɔƐɛƏəƎǝƑƒƓɠƵƶȤȥȺⱥɃƀȻȼɆɇɈɉɌɍɎɏȽƚƲʋƇƈƤƥƂƄƋƔƖƜƟƢƦƧƩƱƷƸƼǤǶǷȜȠȢɁɅɊ',
      'ooddddddddllhhittttttttnnkbbkkyynniiuuooeeeeeeffggzzzzaabbcceejjrryyllvvccppƃƅƌɣɩɯɵƣʀƨʃʊʒƹƽǥƕƿȝƞȣɂʌɋ');
  end if;
  if t ~ e'[\\u0250-\\u02af]' then
    t := translate(t, 'ɓɖɗƙɲɨʉɔɛəɠʈʋ', 'bddkniuoeegtv');
  end if;
  if t ~ e'[\\u0370-\\u03ff]' then
    t := translate(
      t,
      'ͰͲͶͿΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩϏϘϚϜϞϠϢϤϦϨϪϬϮϷϺϽϾϿς',
      'ͱͳͷϳαβγδεζηθικλμνξοπρστυφχψωϗϙϛϝϟϡϣϥϧϩϫϭϯϸϻͻͼͽσ');
  end if;
  if t ~ e'[\\u0410-\\u042f]' then
    t := translate(
      t,
      'АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ',
      'абвгдежзиклмнопрстуфхцчшщъыьэюя');
  end if;
  if t ~ e'[\\u0402-\\u040f\\u0460-\\u052f]' then
    t := translate(
      t,
      'ЂЄЅІЈЉЊЋЏѠѢѤѦѨѪѬѮѰѲѴѸѺѼѾҀҊҌҎҐҒҔҖҘҚҜҞҠҢҤҦҨҪҬҮҰҲҴҶҸҺҼҾӀӃӅӇӉӋӍӔӘӠӨӶӺӼӾԀԂԄԆԈԊԌԎԐԒԔԖԘԚԜԞԠԢԤԦԨԪԬԮ',
      'ђєѕіјљњћџѡѣѥѧѩѫѭѯѱѳѵѹѻѽѿҁҋҍҏґғҕҗҙқҝҟҡңҥҧҩҫҭүұҳҵҷҹһҽҿӏӄӆӈӊӌӎӕәӡөӷӻӽӿԁԃԅԇԉԋԍԏԑԓԕԗԙԛԝԟԡԣԥԧԩԫԭԯ');
  end if;
  if t ~ e'[\\u05da-\\u05e5]' then
    t := translate(t, 'ךםןףץ', 'כמנפצ');
  end if;
  if t ~ e'[\\u0629-\\u06d5]' then
    t := translate(t, 'ٱةىیکګھہە', 'اهييككههه');
  end if;
  if t ~ e'[\\u0660-\\u0669\\u06f0-\\u06f9\\u0966-\\u096f\\u09e6-\\u09ef\\u0e50-\\u0e59\\u17e0-\\u17e9\\u1040-\\u1049]' then
    t := translate(
      t,
      '٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९০১২৩৪৫৬৭৮৯๐๑๒๓๔๕๖๗๘๙០១២៣៤៥៦៧៨៩၀၁၂၃၄၅၆၇၈၉',
      '0123456789012345678901234567890123456789012345678901234567890123456789');
  end if;
  if t ~ e'[\\u0531-\\u0556\\u1c90-\\u1cbf]' then
    t := translate(
      t,
      'ԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖᲐᲑᲒᲓᲔᲕᲖᲗᲘᲙᲚᲛᲜᲝᲞᲟᲠᲡᲢᲣᲤᲥᲦᲧᲨᲩᲪᲫᲬᲭᲮᲯᲰᲱᲲᲳᲴᲵᲶᲷᲸᲹᲺᲽᲾᲿ',
      'աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆაბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰჱჲჳჴჵჶჷჸჹჺჽჾჿ');
  end if;
  if t ~ e'[\\u13a0-\\u13f5\\U0001e900-\\U0001e921]' then
    t := translate(
      t,
      'ᎠᎡᎢᎣᎤᎥᎦᎧᎨᎩᎪᎫᎬᎭᎮᎯᎰᎱᎲᎳᎴᎵᎶᎷᎸᎹᎺᎻᎼᎽᎾᎿᏀᏁᏂᏃᏄᏅᏆᏇᏈᏉᏊᏋᏌᏍᏎᏏᏐᏑᏒᏓᏔᏕᏖᏗᏘᏙᏚᏛᏜᏝᏞᏟᏠᏡᏢᏣᏤᏥᏦᏧᏨᏩᏪᏫᏬᏭᏮᏯᏰᏱᏲᏳᏴᏵ𞤀𞤁𞤂𞤃𞤄𞤅𞤆𞤇𞤈𞤉𞤊𞤋𞤌𞤍𞤎𞤏𞤐𞤑𞤒𞤓𞤔𞤕𞤖𞤗𞤘𞤙𞤚𞤛𞤜𞤝𞤞𞤟𞤠𞤡',
      'ꭰꭱꭲꭳꭴꭵꭶꭷꭸꭹꭺꭻꭼꭽꭾꭿꮀꮁꮂꮃꮄꮅꮆꮇꮈꮉꮊꮋꮌꮍꮎꮏꮐꮑꮒꮓꮔꮕꮖꮗꮘꮙꮚꮛꮜꮝꮞꮟꮠꮡꮢꮣꮤꮥꮦꮧꮨꮩꮪꮫꮬꮭꮮꮯꮰꮱꮲꮳꮴꮵꮶꮷꮸꮹꮺꮻꮼꮽꮾꮿᏸᏹᏺᏻᏼᏽ𞤢𞤣𞤤𞤥𞤦𞤧𞤨𞤩𞤪𞤫𞤬𞤭𞤮𞤯𞤰𞤱𞤲𞤳𞤴𞤵𞤶𞤷𞤸𞤹𞤺𞤻𞤼𞤽𞤾𞤿𞥀𞥁𞥂𞥃');
  end if;
  if t ~ e'[\\u1100-\\u11ff\\u3099\\u309a]' then
    t := normalize(t, nfc);                  -- a syllable and a kana are one letter
  end if;
  if t ~ e'[\\u30a1-\\u30f6]' then
    t := translate(
      t,
      'ァアィイゥウェエォオカガキギクグケゲコゴサザシジスズセゼソゾタダチヂッツヅテデトドナニヌネノハバパヒビピフブプヘベペホボポマミムメモャヤュユョヨラリルレロヮワヰヱヲンヴヵヶ',
      'ぁあぃいぅうぇえぉおかがきぎくぐけげこごさざしじすずせぜそぞただちぢっつづてでとどなにぬねのはばぱひびぴふぶぷへべぺほぼぽまみむめもゃやゅゆょよらりるれろゎわゐゑをんゔゕゖ');
  end if;
  return t;
end
$$;

comment on function chat.fold(text) is
  'A text as it is compared when somebody looks for it: without case, accents, points, width, ligatures and what is not seen; one form of each letter, digit, quote and dash. The same in every locale.';

create or replace function chat.searched_text(content text)
  returns text
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  -- U+001F stands where a word begins within a run without a space. It is in no text that somebody reads; nor is U+001E.
  t text collate "C" := searched_text.content;
begin
  -- Beside capital letters; where a number has no-break spaces, these are within it. Of ASCII without the call.
  if octet_length(t) = char_length(t) then
    t := lower(regexp_replace(t, e'(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|\\u001e', e'\u001f', 'g'));
  else
    t := chat.fold(regexp_replace(t,
      e'(?<=[a-z\\u00df-\\u00f6\\u00f8-\\u00ff\\u03ac-\\u03ce\\u0430-\\u045f])(?=[A-Z\\u00c0-\\u00d6\\u00d8-\\u00de\\u0386-\\u03ab\\u0400-\\u042f])'
      || e'|(?<=[A-Z])(?=[A-Z][a-z])|\\u200c|\\u001e|(?<=[0-9])[\\u00a0\\u2009\\u202f](?=[0-9]{3}(?![0-9]))',
      e'\u001f', 'g'));
  end if;
  if t ~ e'[\\t-\\r]' then
    t := translate(t, e'\t\n\u000b\f\r', '     ');
  end if;
  -- Of signs between two digits the first stays, as a full stop: they are one number, of several.
  if t ~ '[0-9]' then
    if t ~ e'[0-9][!-/:-@\\[-`{-~\\u001f\\u066b\\u066c\\u2044][0-9]' then
      t := regexp_replace(t, e'([0-9])[!-/:-@\\[-`{-~\\u001f\\u066b\\u066c\\u2044](?=[0-9])', e'\\1\u001e', 'g');
    end if;
    t := regexp_replace(t, e'(?<=[0-9])(?=[^0-9 \\u001e\\u001f])|(?<=[^0-9 \\u001e\\u001f])(?=[0-9])', e'\u001f', 'g');
  end if;

  if octet_length(t) = char_length(t) then
    if t ~ e'[!-/:-@\\[-`{-~\\u0001-\\u001d\\u007f]' then
      t := regexp_replace(t, e'[!-/:-@\\[-`{-~\\u0001-\\u001d\\u007f]+', e'\u001f', 'g');
    end if;
  else
    -- Punctuation of every script.
    t := regexp_replace(t,
      e'[!-/:-@\\[-`{-~\\u0001-\\u001d\\u007f-\\u00bf\\u00d7\\u00f7\\u055a-\\u055f\\u0589\\u058a\\u05be\\u05c0\\u05c3\\u05f3\\u05f4\\u0600-\\u060f\\u061b-\\u061f'
      || e'\\u066a-\\u066d\\u06d4\\u06dd\\u0964\\u0965\\u0970\\u0e2f\\u0e46\\u0e4f\\u0e5a\\u0e5b\\u0f04-\\u0f14\\u0f3a-\\u0f3d\\u104a-\\u104f\\u1361-\\u1368\\u17d4-\\u17da\\u1800-\\u180a'
      || e'\\u2010-\\u205e\\u3001-\\u3004\\u3008-\\u3020\\u3030\\u303d\\u30a0\\u30fb]+', e'\u001f', 'g');
    -- A letter of a script that is written without spaces, and a sign, is a word by itself.
    if t ~ e'[\\u0e01-\\U0003ffff]' then
      t := regexp_replace(t,
      e'([\\u0e01-\\u0eff\\u1000-\\u109f\\u1780-\\u17ff\\u20a0-\\u20cf\\u2190-\\u2bff\\u2e80-\\u2fdf\\u3005-\\u3007\\u3021-\\u3029\\u3031-\\u30ff'
      || e'\\u3100-\\u312f\\u31a0-\\u9fff\\ua960-\\ua97f\\uac00-\\ud7ff\\uf900-\\ufaff\\U0001f000-\\U0001faff\\U00020000-\\U0003ffff])',
      e'\u001f\\1\u001f', 'g');
    end if;
    -- Letters of ASCII beside others; the article of Arabic before its word.
    if t ~ '[a-z]' then
      t := regexp_replace(t, e'(?<=[a-z])(?=[\\u0370-\\u1fff])|(?<=[\\u0370-\\u1fff])(?=[a-z])', e'\u001f', 'g');
    end if;
    if t ~ e'\\u0644' then
      t := regexp_replace(t,
      e'(^|[ \\u001f])([\\u0648\\u0628\\u0641\\u0643]?\\u0627\\u0644|\\u0644\\u0644)(?=[\\u0621-\\u064a]{3})', e'\\1\\2\u001f', 'g');
    end if;
  end if;
  return replace(t, e'\u001e', e'.\u001f');
end
$$;

comment on function chat.searched_text(text) is
  'A folded text whose words search_messages finds: beside the spaces, U+001F where one begins; of its signs the full stops within numbers alone.';

-- What search_messages looks up, in one index: the beginnings of words, two and five letters long, and whose the message is. Of a
-- script without spaces, one and two letters at each.
create or replace function chat.search_terms(content text, file_name text, sender_id uuid, recipient_id uuid)
  returns tsvector
  immutable
  parallel safe
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  -- In "C" a letter compares by its number. From U+0E00 on most scripts have no spaces.
  searched text collate "C" := chat.searched_text(concat_ws(' ', search_terms.content, search_terms.file_name));
  plain constant boolean := strpos(searched, e'\u001f') = 0;
  has_numbers constant boolean := strpos(searched, '.') > 0;
  word text collate "C";
  part text collate "C";
  rest text collate "C" := '';
  parts text[];
  terms text[] := array[search_terms.sender_id::text, search_terms.recipient_id::text];
  joined text;
begin
  -- Most texts: from the last part to the first, in few statements, and in one string, as that is not long.
  if octet_length(searched) = char_length(searched) and char_length(searched) <= 2000 then
    parts := string_to_array(replace(searched, ' ', e' \u001f'), e'\u001f');
    joined := concat(search_terms.sender_id, e'\u001f', search_terms.recipient_id);
    for i in reverse cardinality(parts)..1 loop
      rest := case when right(parts[i], 1) = ' ' then rtrim(parts[i], ' ') else left(parts[i] || rest, 20) end;
      joined := joined || e'\u001f' || left(rest, 2) || case when char_length(rest) >= 5 then e'\u001f' || left(rest, 5) else '' end;
      if has_numbers and strpos(left(rest, 5), '.') > 0 then                    -- 1,000 is 1000, too
        part := replace(rest, '.', '');
        joined := joined || e'\u001f' || left(part, 2) || case when char_length(part) >= 5 then e'\u001f' || left(part, 5) else '' end;
      end if;
    end loop;
    return array_to_tsvector(array_remove(string_to_array(joined, e'\u001f'), ''));
  end if;

  -- An element at a time: an array that is appended to an array is copied.
  foreach word in array string_to_array(searched, ' ') loop
    if not plain then
      word := btrim(word, e'\u001f');
    end if;
    if plain or strpos(word, e'\u001f') = 0 then
      continue when word = '';
      terms := terms || left(word, 2);
      if word >= e'\u0e00' then
        terms := terms || left(word, 1);
      elsif char_length(word) >= 5 then
        terms := terms || left(word, 5);
      end if;
    else
      parts := array_remove(string_to_array(word, e'\u001f'), '');
      for i in 1..cardinality(parts) loop
        part := parts[i];
        if part >= e'\u0e00' then
          terms := terms || left(part, 1);
          terms := terms || left(part || coalesce(parts[i + 1], ''), 2);
        else
          rest := left(concat(part, parts[i + 1], parts[i + 2], parts[i + 3], parts[i + 4]), 5);
          terms := terms || left(rest, 2);
          if char_length(rest) = 5 then
            terms := terms || rest;
          end if;
          if strpos(rest, '.') > 0 then
            rest := replace(array_to_string(parts[i:i + 9], ''), '.', '');
            terms := terms || left(rest, 2);
            if char_length(rest) >= 5 then
              terms := terms || left(rest, 5);
            end if;
          end if;
        end if;
      end loop;
    end if;
  end loop;
  if char_length(searched) > 20000 then
    -- A tsvector has at most 1 MB: of a text that nobody would write, the longest beginnings are left out.
    terms := array(
      select t.term
      from (
        select d.term, sum(octet_length(d.term)) over (order by octet_length(d.term), d.term) as total
        from (select distinct unnest(terms) as term) d
      ) t
      where t.total < 900000 or octet_length(t.term) = 36);
  end if;
  return array_to_tsvector(terms);
end
$$;

comment on function chat.search_terms(text, text, uuid, uuid) is
  'The beginnings of the words of a message and of its file''s name, in no particular language, and its two people: a search reads what one person wrote or got.';

revoke all on function
  chat.fold, chat.searched_text
from public, anon, authenticated, service_role;

-- Who inserts a message computes its index entry.
grant execute on function chat.fold, chat.searched_text to authenticated, service_role;
