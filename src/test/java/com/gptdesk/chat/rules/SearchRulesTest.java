package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.jooq.routines.SendMessage;
import com.gptdesk.chat.jooq.udt.records.MessageMatchRecord;
import com.gptdesk.chat.testing.Person;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code search_messages}: what is found, and what is marked of it, by script and by form. */
class SearchRulesTest extends Rules {

  private UUID conversation;

  @BeforeEach
  void aliceTalksToBob() {
    conversation = alice.talksTo(bob);
  }

  /** A message; what somebody types who looks for it; the headline, with each hit in brackets. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        // Parts of words, as one types.
        "see the retrospective | r         | see the [r]etrospective",
        "see the retrospective | re        | see the [re]trospective",
        "see the retrospective | retro     | see the [retro]spective",
        "see the retrospective | retrosp   | see the [retrosp]ective",
        "see the retrospective | RETROSPECTIVE | see the [retrospective]",
        "see the retrospective | spec      |",
        "lunches are great     | lunch     | [lunch]es are great",
        "the and or            | the       | [the] and or",
        "one two three         | three one | [one] two [three]",
        "one two three         | one four  |",
        // Without spaces.
        "我家在上海东边。      | 上海      | 我家在[上海]东边。",
        "我家在上海东边。      | 海        | 我家在上[海]东边。",
        "我家在上天海东边。    | 上海      |",
        "支持中文吗            | 支持中文吗 | [支持中文吗]",
        "日本語のテキスト      | てきすと  | 日本語の[テキスト]",
        "ﾊﾝｶｸ ｶﾞｷﾞｸﾞ          | ガギグ    | ﾊﾝｶｸ [ｶﾞｷﾞｸﾞ]",
        "오늘은 김치찌개입니다 | 김치찌개  | 오늘은 [김치찌개]입니다",
        "오늘은 김치찌개입니다 | 치찌      | 오늘은 김[치찌]개입니다",
        "วันนี้กินข้าวที่ไหน      | กินข้าว   | วันนี้[กินข้าว]ที่ไหน",
        "ພາສາລາວ               | ລາວ       | ພາສາ[ລາວ]",
        "ភាសាខ្មែរ              | ខ្មែរ      | ភាសា[ខ្មែរ]",
        "我爱ChatGPT模型       | chatgpt   | 我爱[ChatGPT]模型",
        "我爱ChatGPT模型       | gpt模型   | 我爱Chat[GPT模型]",
        // Case, accents and the forms of a letter.
        "im Café Zürich        | cafe zur  | im [Café] [Zür]ich",
        "cafe zurich           | Café Zürich | [cafe] [zurich]",
        "cafe\u0301 noir       | café      | [cafe\u0301] noir",
        "Größe der Straße      | strasse grosse | [Größe] der [Straße]",
        "STRASSE               | straße    | [STRASSE]",
        "İstanbul ışık         | istanbul isik | [İstanbul] [ışık]",
        "ISTANBUL              | ıstanbul  | [ISTANBUL]",
        "новая Ёлка            | елк       | новая [Ёлк]а",
        "до свидания           | СВИДАНИЯ  | до [свидания]",
        "ΚΑΛΗΜΕΡΑ ΚΟΣΜΟΣ       | καλημέρα κόσμος | [ΚΑΛΗΜΕΡΑ] [ΚΟΣΜΟΣ]",
        "Καλημέρα κόσμος       | καλημερα κοσμοσ | [Καλημέρα] [κόσμος]",
        "مَرْحَبًا بالعالم       | مرحبا     | [مَرْحَبًا] بالعالم",
        "أهلا إلى المدرسة      | اهلا الي مدرسه | [أهلا] [إلى] ال[مدرسة]",
        "אמר שָׁלוֹם            | שלום      | אמר [שָׁלוֹם]",
        "น้ำแข็ง                | นํ้า       | [น้ำ]แข็ง",
        "བོད་ཡིག                | ཡིག       | བོད་[ཡིག]",
        // As one types Korean: a syllable gets its end last.
        "한국어 공부            | 한구      | [한국]어 공부",
        "한국어 공부            | 한ㄱ      | [한국]어 공부",
        "오늘은 김치찌개입니다 | 김치찌갸  |",
        "오늘은 김치찌개입니다 | 김치찌개이 | 오늘은 [김치찌개입]니다",
        "안녕 하세요            | 녕ㅎ      |",
        "ㅋㅋㅋ 재밌다          | ㅋㅋ      | [ㅋㅋ]ㅋ 재밌다",
        "می‌خواهم              | خواهم     | می‌[خواهم]",
        "Tiếng Việt            | tieng viet | [Tiếng] [Việt]",
        "ज़रूर हिन्दी             | जरूर      | [ज़रूर] हिन्दी",
        "ＦＵＬＬ ｗｉｄｔｈ     | full wid  | [ＦＵＬＬ] [ｗｉｄ]ｔｈ",
        "ﬁnance œuvre æther    | finance oeuvre aet | [ﬁnance] [œuvre] [æt]her",
        "“quoted words” here   | \"quoted words\" | “[quoted] [words]” here",
        "don’t forget          | dont      | [don’t] forget",
        "don't forget          | don’t     | [don't] forget",
        "O’Brien said          | brien     | O’[Brien] said",
        "zero\u200bwidth       | zerowidth | [zero\u200bwidth]",
        "party 🎉 tonight      | 🎉        | party [🎉] tonight",
        "nice 👍🏽               | 👍        | nice [👍🏽]",
        // Numbers, versions, times, sums.
        "the fix is in v1.2.3  | 1.2.3     | the fix is in v[1.2.3]",
        "the fix is in v1.2.3  | v1.2      | the fix is in [v1.2].3",
        "the fix is in v1.2.4  | 1.2.3     |",
        "v2 is out             | v2        | [v2] is out",
        "it costs 19.99 EUR    | 19.99     | it costs [19.99] EUR",
        "it costs 19,99 EUR    | 19,99     | it costs [19,99] EUR",
        "in 1999               | 19.99     |",
        "1,000,000 people      | 1000000   | [1,000,000] people",
        "at 10:30              | 10:30     | at [10:30]",
        "on 2026-11-28         | 2026-11   | on [2026-11]-28",
        "host 192.168.1.17     | 192.168.1 | host [192.168.1].17",
        "call 555-1234         | 5551234   | call [555-1234]",
        "٤٢ apples             | 42        | [٤٢] apples",
        "20€ or $30            | €         | 20[€] or $30",
        "½ cup                 | 1/2       | [½] cup",
        "1\u202f234\u202f567 €   | 1234567   | [1\u202f234\u202f567] €",
        "1\u00a0234\u00a0567 €   | 234       | 1\u00a0[234]\u00a0567 €",
        "room 12\u00a03          | 123       |",
        "10.0.0.1:8080         | 8080      | 10.0.0.1:[8080]",
        "2026-11-29            | 11-29     | 2026-[11-29]",
        "at 13:45:10Z          | 45:10     | at 13:[45:10]Z",
        "(555) 123-4567        | 4567      | (555) 123-[4567]",
        // Inside of names, addresses and versions.
        "the fix is in v1.2.3  | 2.3       | the fix is in v1.[2.3]",
        "v1.2.3-rc.1           | rc1       | v1.2.3-[rc.1]",
        "log4j2-core.jar       | core.jar  | log4j2-[core.jar]",
        "a@mail.example.com    | example   | a@mail.[example].com",
        "a@mail.example.com    | mail.exam | a@[mail.exam]ple.com",
        "a@mail.example.com    | ample     |",
        "from user+tag@x.org   | tag       | from user+[tag]@x.org",
        "/a?q=hello&lang=de    | lang=de   | /a?q=hello&[lang=de]",
        "IMG_20261129_1015.jpg | 20261129  | IMG_[20261129]_1015.jpg",
        "550e8400-e29b-41d4    | e29b      | 550e8400-[e29b]-41d4",
        "getHTTPResponseCode   | responsec | getHTTP[ResponseC]ode",
        "node.js               | nodejs    | [node.js]",
        "U.S.A. today          | usa       | [U.S.A]. today",
        "КамелКейс             | кейс      | Камел[Кейс]",
        "ÄnderungsÜbersicht    | ubersicht | Änderungs[Übersicht]",
        "ΚαμελΚεις             | κεις      | Καμελ[Κεις]",
        "@alice #HashTag       | tag       | @alice #Hash[Tag]",
        // Addresses, files, identifiers.
        "see https://example.com/ticket/4711 | example.com | see https://[example.com]/ticket/4711",
        "see https://example.com/ticket/4711 | 4711 | see https://example.com/ticket/[4711]",
        "to jo.doe@example.com | jo.doe@example.com | to [jo.doe@example.com]",
        "to jo.doe@example.com | doe       | to jo.[doe]@example.com",
        "review report.pdf     | report.pdf | review [report.pdf]",
        "review report.pdf     | pdf       | review report.[pdf]",
        "deploy-prod failed    | prod      | deploy-[prod] failed",
        "deploy prod failed    | deploy-prod | [deploy] [prod] failed",
        "Wi-Fi is down         | wifi      | [Wi-Fi] is down",
        "wifi is down          | wi-fi     | [wifi] is down",
        "call foo_bar_baz()    | bar       | call foo_[bar]_baz()",
        "call foo_bar_baz()    | bar_baz   | call foo_[bar_baz]()",
        "call getUserName()    | username  | call get[UserName]()",
        "XMLHttpRequest        | http      | XML[Http]Request",
        "ticket ABC-123 done   | abc-123   | ticket [ABC-123] done",
        "ticket ABC-123 done   | 123       | ticket ABC-[123] done",
        "C++ and C# are here   | c#        | [C]++ and [C]# are here",
        "x < y and a > b       | x < y     | [x] < [y] and a > b",
        "iPhone15              | iphone 15 | [iPhone]15",
        "path /usr/local/bin   | local/bin | path /usr/[local/bin]",
        "50% of #teams         | #team 50% | [50]% of #[team]s",
      })
  void aMessageIsFoundAndMarked(String text, String query, @Nullable String headline) {
    UUID id = alice.sends(conversation, text).getId();
    List<MessageMatchRecord> found = search(bob, query);
    if (headline == null) {
      assertEquals(List.of(), found);
      return;
    }
    assertEquals(List.of(id), found.stream().map(MessageMatchRecord::getId).toList());
    assertEquals(
        headline, found.getFirst().getHeadline().replace('\uE000', '[').replace('\uE001', ']'));
    assertEquals(List.of(), search(carol, query));
  }

  @Test
  void aFileIsFoundByItsNameAndByItsText() {
    sendsFile("", "Quartals-Übersicht_2026.xlsx");
    sendsFile("the budget", "scan.pdf");
    assertEquals("Quartals-[Übersicht]_2026.xlsx", headline("ubersicht"));
    assertEquals("Quartals-Übersicht_[2026].xlsx", headline("2026"));
    assertEquals("[scan.pdf]", headline("scan.pdf"));
    assertEquals("the [budget]", headline("budget"));
    assertEquals("the [budget]", headline("scan budget")); // some words in each
    alice.deletes(search(alice, "scan").getFirst().getId());
    assertEquals(List.of(), search(bob, "scan"));
    assertEquals(List.of(), search(bob, "x.example"), "the address is not searched");
  }

  @Test
  void aHeadlineIsAPieceOfALongText() {
    alice.sends(conversation, "filler ".repeat(60) + "needle" + " filler".repeat(60));
    String found = headline("needle");
    assertTrue(found.contains("filler [needle] filler"), found);
    assertTrue(found.length() <= 400, found);
    alice.sends(conversation, "长".repeat(500) + "上海" + "长".repeat(400));
    found = headline("上海");
    assertTrue(found.contains("长[上海]长"), found);
    assertTrue(found.length() <= 402, found);
  }

  @Test
  void whatCannotBeReadAsAWordIsNoObstacle() {
    Random random = new Random(7);
    StringBuilder hostile = new StringBuilder();
    while (hostile.length() < 900) {
      int letter = random.nextInt(1, 0x3_0000);
      if (Character.isDefined(letter)
          && Character.getType(letter) != Character.SURROGATE
          && Character.getType(letter) != Character.PRIVATE_USE) {
        hostile.appendCodePoint(letter);
      }
    }
    alice.sends(conversation, "known " + hostile);
    assertEquals(1, search(bob, "known").size());
    assertFalse(headline("known").isEmpty());
    for (String query :
        List.of("\uFDFA", "¨", "a¨b", "\\", "*", "a*", "(?:", "[", "\\1", "x".repeat(1000))) {
      try {
        search(bob, query);
      } catch (RuntimeException e) {
        assertTrue(String.valueOf(e.getMessage()).contains("needs a word"), e::toString);
      }
    }
    database.asOwner("update chat.settings set max_message_length = 100000");
    StringBuilder long_ = new StringBuilder();
    for (int n = 0; n < 33_000; n++) {
      long_
          .appendCodePoint(random.nextInt(0x430, 0x450))
          .append('-')
          .append((char) random.nextInt('a', 'z'));
    }
    alice.sends(conversation, long_ + " ending");
    assertEquals(1, search(bob, "endi").size());
  }

  private void sendsFile(String text, String name) {
    alice.does(
        tx -> {
          SendMessage message = new SendMessage();
          message.setConversationId(conversation);
          message.setContent(text);
          message.setMessageType("file");
          message.setFileUrl("https://x.example/f");
          message.setFileName(name);
          message.execute(tx.configuration());
          return message.getReturnValue();
        });
  }

  private String headline(String query) {
    return search(bob, query)
        .getFirst()
        .getHeadline()
        .replace('\uE000', '[')
        .replace('\uE001', ']');
  }

  private static List<MessageMatchRecord> search(Person person, String query) {
    return person.does(tx -> Routines.searchMessages(tx.configuration(), query, null, null, 20));
  }
}
