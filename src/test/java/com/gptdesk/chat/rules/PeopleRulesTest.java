package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.jooq.udt.records.PersonViewRecord;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code logic/people}: who I am, who the others are, whether one may write to another. */
class PeopleRulesTest extends Rules {

  @Test
  void onlyAnActivePersonIsSomebody() {
    everybody(
        "select where chat.me() is not null",
        """
        Alice    1
        Ivan     0
        Stranger 0
        No one   0
        Forger   1
        Garbled  22P02
        Anon     42501
        Service  0
        Relay    42501
        """);
    everybody(
        "select chat.require_active_user()",
        """
        Alice    1
        Ivan     PT403
        Stranger PT403
        No one   PT403
        Garbled  22P02
        Anon     42501
        Service  PT403
        """);
  }

  @Test
  void onlyTheClaimSubSaysWhoIAm() {
    String claims =
        "{\"sub\":\"%s\",\"role\":\"service_role\",\"user_id\":\"%s\",\"team_id\":\"%s\"}"
            .formatted(mallory.id(), alice.id(), TestDatabase.BLUE);
    String me =
        database
            .chat()
            .as(
                claiming(claims),
                tx ->
                    tx.fetchSingle("select chat.me() || ' ' || chat.my_team()").into(String.class));
    assertEquals(mallory.id() + " " + TestDatabase.RED, me);
  }

  @Test
  void claimsThatAreNoJsonAreRefused() {
    for (String claims : List.of("{", "alice", "[")) {
      assertEquals(
          "22P02",
          org.junit.jupiter.api.Assertions.assertThrows(
                  com.gptdesk.chat.database.Refusal.class,
                  () -> database.chat().as(claiming(claims), tx -> tx.fetch("select chat.me()")))
              .code());
    }
  }

  @Test
  void peopleAreSeenByTheirTeam() {
    everybody(
        "select from public.users",
        """
        Alice    4
        Bob      4
        Carol    4
        Mallory  1
        Ivan     0
        Stranger 0
        No one   0
        Forger   1
        Garbled  22P02
        Anon     42501
        Service  5
        Relay    42501
        """);
    everybody(
        "select from public.teams",
        """
        Alice    1
        Mallory  1
        Ivan     0
        Stranger 0
        No one   0
        Anon     42501
        Service  2
        Relay    42501
        """);
  }

  @Test
  void whoIsInNoTeamSeesOnlyThemselves() {
    leavesTheTeam(carol, null);
    assertEquals("1", asks(carol, "select count(*) from public.users"));
    assertEquals("0", asks(carol, "select count(*) from public.teams"));
    assertEquals("3", asks(alice, "select count(*) from public.users"));
    assertEquals(List.of(), names(carol, ""));
    assertEquals(List.of("Bob Brown"), names(alice, ""));
  }

  @Test
  void nobodyChangesPeopleOrTeamsThroughTheChat() {
    String nobody =
        """
        Alice    42501
        Mallory  42501
        Ivan     42501
        Forger   42501
        Anon     42501
        Service  42501
        Relay    42501
        """;
    everybody(
        "insert into public.users (full_name, email) values ('Eve', 'eve@example.org')", nobody);
    everybody("update public.users set status = 'active'", nobody);
    everybody("update public.users set team_id = '%s'".formatted(TestDatabase.BLUE), nobody);
    everybody("delete from public.users", nobody);
    everybody("insert into public.teams (name) values ('Green')", nobody);
    everybody("update public.teams set name = 'Green'", nobody);
    everybody("delete from public.teams", nobody);
  }

  @Test
  void searchFindsActivePeopleOfTheTeamButNotTheCaller() {
    assertEquals(List.of("Bob Brown", "Carol Clark"), names(alice, ""));
    assertEquals(List.of("Alice Adams", "Bob Brown"), names(carol, null));
    assertEquals(List.of(), names(mallory, ""));
    everybody(
        "select * from public.search_users('b')",
        """
        Alice    1
        Bob      0
        Ivan     PT403
        Stranger PT403
        No one   PT403
        Garbled  22P02
        Anon     42501
        Service  42501
        Relay    42501
        """);
  }

  @Test
  void searchShowsWhatTheTeamMayKnow() {
    PersonViewRecord carols = search(alice, "carol", null, 10).getFirst();
    assertEquals(carol.id(), carols.getId());
    assertEquals("Carol Clark", carols.getFullName());
    assertEquals("carol@example.org", carols.getEmail());
    assertNull(carols.getAvatarUrl());
    assertEquals("active", carols.getStatus());
    assertEquals(TestDatabase.BLUE, carols.getTeamId());
  }

  @Test
  void searchTakesNamesAndAddressesInAnyCaseAndNoPatterns() {
    assertEquals(List.of("Carol Clark"), names(alice, "  cLaRk "));
    assertEquals(List.of("Carol Clark"), names(alice, "CAROL@"));
    for (String pattern : List.of("%", "_", "\\", "c%k", "'", "carol%")) {
      assertEquals(List.of(), names(alice, pattern), pattern);
    }
    database.asOwner(
        "update public.users set full_name = 'Carol 100%' where id = '" + carol.id() + "'");
    assertEquals(List.of("Carol 100%"), names(alice, "%"));
  }

  @Test
  void namesThatBeginWithTheQueryComeFirst() {
    database.asOwner(
        "update public.users set full_name = 'Aaron Carter' where id = '" + bob.id() + "'");
    assertEquals(List.of("Carol Clark", "Aaron Carter"), names(alice, "car"));
    assertEquals(List.of("Aaron Carter", "Carol Clark"), names(alice, "e")); // by name otherwise
  }

  /** A name, and what people type who look for it. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "Jérôme Élise            | jerome; élise; ELISE jérome; jer; élise jér",
        "Jöhn Müller-Lüdenscheidt| muller; mueller; müller; luedenscheidt; ludenscheidt; muller ludenscheidt; müllerlüd; Müller‐Lüd",
        "Gaël Le Coz             | gael; le coz; lecoz; coz gael",
        "Ołeg Łazienbny          | lazienbny; oleg; łazien; lazienbny oleg",
        "Nguyễn Thị Hòa          | nguyen; hoa nguyen; thi; Nguyễn Hòa; NGUYEN THI HOA",
        "İbrahim Işık            | ibrahim; isik; ışık; IBRAHIM; Işık İbrahim",
        "Aoife O’Brien           | o'brien; obrien; O’Brien; brien; o`brien; brien aoife",
        "Françoise Nfd         | francoise; françoise; NFD fran",
        "王小明                  | 小明; 王小; 王小明; 王 小明",
        "田中 太郎               | 田中; 太郎; 田中太郎; 太郎 田中",
        "ﾔﾏﾀﾞ タロウ             | ヤマダ; やまだ; たろう ヤマダ",
        "김철수                  | 철수; 김; 김 철수",
        "Анна Ёлкина             | елкина; ёлкина; АННА; елкина анна; Ёлк",
        "Anna Ёлкина             | anna елкина; ёлкина anna; елк",
        "Li 王小明               | li 王; 小明 li; LI",
        "محمد علي                | محمد; علي; عَلِي; علی محمد",
        "أحمد فاطمة              | احمد; فاطمه; فاطمة احمد",
        "דוד כהן                 | כהן; כהנ; דוד כ; כֹּהֵן",
        "Søren Åberg             | soren; aberg; aaberg; åberg; soeren; berg",
        "Mary Ann  Double        | mary ann double; double mary; maryann; ann   double",
        "Weiß Straßer            | weiss; strasser; WEISS; straßer weiß",
        "Γιώργος Παπαδόπουλος    | γιωργος; ΠΑΠΑΔΟΠΟΥΛΟΣ; παπαδοπουλος γιώργος",
        "J.-P. d’Arc             | p d'arc; d'arc; darc; j.-p.",
        "สมชาย ใจดี              | สมชาย; ชาย; ใจดี สมชาย",
        "Zoë van 't Hof          | zoe; van t hof; hof zoe; 't hof",
      })
  void aPersonIsFoundHoweverTheirNameIsTyped(String name, String queries) {
    database.asOwner(
        "update public.users set full_name = %s where id = '%s'"
            .formatted("'" + name.replace("'", "''") + "'", carol.id()));
    for (String query : queries.split(";")) {
      assertEquals(List.of(name), names(alice, query), query);
    }
  }

  @Test
  void allWordsOfASearchAreOfOnePerson() {
    assertEquals(List.of("Bob Brown"), names(alice, "brown bob"));
    assertEquals(List.of("Bob Brown"), names(alice, "bob   bro"));
    assertEquals(List.of("Bob Brown"), names(alice, "bob\u3000\tbrown"));
    assertEquals(List.of("Bob Brown"), names(alice, "brown bob@example.org"));
    assertEquals(List.of(), names(alice, "bob clark"));
    assertEquals(List.of(), names(alice, "bb")); // of two words
    assertEquals(List.of(), names(alice, "-"));
  }

  @Test
  void aPageTellsWhetherThereAreMore() {
    assertEquals(List.of(true), more(search(alice, "", null, 1)));
    assertEquals(List.of(false, false), more(search(alice, "", null, 2)));
    assertEquals(List.of(false), more(search(alice, "bob", null, 1)));
    alice.isRefused(() -> names(alice, "q ".repeat(501)), "PT413");
    assertEquals(List.of(), names(alice, "q ".repeat(500)));
  }

  @Test
  void searchIsOfTheCallersTeamWhateverIsAskedFor() {
    assertEquals(2, search(alice, "", TestDatabase.BLUE, 10).size());
    assertEquals(List.of(), search(alice, "", TestDatabase.RED, 10));
    assertEquals(List.of(), search(mallory, "", TestDatabase.BLUE, 10));
  }

  @Test
  void aPageHasOneToTwoHundredRows() {
    assertEquals(1, search(alice, "", null, 1).size());
    assertEquals(2, search(alice, "", null, 200).size());
    for (Integer size : new Integer[] {0, -1, 201, null}) {
      alice.isRefused(() -> search(alice, "", null, size), "PT400");
      mallory.isRefused(() -> search(mallory, "nobody", null, size), "PT400");
    }
  }

  @Test
  void aPersonIsKnownToTheTeamAndToWhomTheyTalkedWith() {
    String people =
        "select full_name || coalesce(presence ->> 'status', '') from chat.visible_people(array['%s'::uuid])";
    alice.talksTo(bob);
    alice.is("online", null);
    assertEquals("Alice Adamsonline", asks(bob, people.formatted(alice.id())));
    assertEquals("Alice Adamsonline", asks(carol, people.formatted(alice.id())));
    assertEquals("Alice Adamsonline", asks(gptDesk, people.formatted(alice.id())));

    leavesTheTeam(alice, TestDatabase.RED);
    assertEquals(
        "Alice Adams", asks(bob, people.formatted(alice.id()))); // they talked: the name stays
    everybody(
        people.formatted(alice.id()),
        """
        Alice    1
        Bob      1
        Carol    0
        Mallory  1
        Ivan     0
        Stranger 0
        No one   0
        Anon     42501
        Service  1
        """);
  }

  @Test
  void oneMayWriteToAnActivePersonOfTheTeamWithoutABlock() {
    String mayTalk = "select chat.may_talk_to('%s')";
    assertEquals("true", asks(alice, mayTalk.formatted(bob.id())));
    assertEquals("false", asks(alice, mayTalk.formatted(ivan.id())));
    assertEquals("false", asks(alice, mayTalk.formatted(mallory.id())));
    assertEquals("false", asks(alice, mayTalk.formatted(NOBODY)));
    assertEquals("false", asks(ivan, mayTalk.formatted(alice.id())));
    bob.blocks(alice.id());
    assertEquals("false", asks(alice, mayTalk.formatted(bob.id())));
    assertEquals("false", asks(bob, mayTalk.formatted(alice.id())));
    assertEquals("true", asks(alice, mayTalk.formatted(carol.id())));
  }

  @Test
  void twoWithoutATeamAreNotInOneTeam() {
    leavesTheTeam(alice, null);
    leavesTheTeam(bob, null);
    assertEquals("false", asks(alice, "select chat.may_talk_to('%s')".formatted(bob.id())));
    alice.isRefused(() -> alice.talksTo(bob), "PT404");
  }

  @Test
  void whatTellsOfAnybodyIsForDefinerFunctionsAlone() {
    String nobody =
        """
        Alice    42501
        Anon     42501
        Service  42501
        Relay    42501
        """;
    everybody("select chat.unreachable_reason('%s', '%s')".formatted(alice.id(), bob.id()), nobody);
    everybody("select chat.require_reachable('%s', '%s')".formatted(alice.id(), bob.id()), nobody);
  }

  @Test
  void searchFindsPeopleWhoseAddressIgnoresCaseInTheTableItself() {
    database.asOwner(
        """
        create collation public.any_case (
          provider = icu, locale = 'und-u-ks-level2', deterministic = false
        );
        alter table public.users alter column email type text collate public.any_case
        """);
    assertEquals(List.of("Carol Clark"), names(alice, "CAROL@"));
    assertEquals(List.of(), names(alice, "carolina@"));
  }

  private void leavesTheTeam(Person person, @Nullable UUID forTeam) {
    database.asOwner(
        "update public.users set team_id = %s where id = '%s'"
            .formatted(forTeam == null ? "null" : "'" + forTeam + "'", person.id()));
  }

  private static List<PersonViewRecord> search(
      Person person, @Nullable String query, @Nullable UUID team, @Nullable Integer pageSize) {
    return person.does(tx -> Routines.searchUsers(tx.configuration(), query, team, pageSize));
  }

  private static List<Boolean> more(List<PersonViewRecord> people) {
    return people.stream().map(PersonViewRecord::getHasMore).toList();
  }

  private static List<String> names(Person person, @Nullable String query) {
    return search(person, query, null, 10).stream().map(PersonViewRecord::getFullName).toList();
  }
}
