package com.gptdesk.chat.service.people;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.jooq.Routines;
import com.gptdesk.chat.service.people.People.Imported;
import com.gptdesk.chat.testing.TestDatabase;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who uses the chat, as the operator says. */
class PeopleTest {
  private final TestDatabase database = TestDatabase.fresh();
  private final People people = open(database);

  @TempDir private Path folder = Path.of("");

  @AfterEach
  void close() {
    people.close();
    database.close();
  }

  @Test
  void aTeamIsAddedOnce() {
    UUID green = people.team(" Green ");
    assertEquals(green, people.team("Green"));
    assertEquals("Green", database.ownerReads("select name from teams where id = '" + green + "'"));
    assertEquals(TestDatabase.BLUE, people.team("Blue"));
    database.asOwner("insert into teams (name) values ('Green')");
    assertEquals(
        "2 teams have the name \"Green\". Give the id.", refusal(() -> people.team("Green")));
    assertEquals("The name of the team is empty. Give a name.", refusal(() -> people.team(" ")));
  }

  @Test
  void whoIsAddedWritesToTheirTeam() {
    UUID dora = people.person(null, "dora@example.org", "Dora Dietz", "Blue", null);
    UUID conversation = database.alice().talksTo(database.person("Dora", dora));
    assertTrue(
        database
            .chat()
            .as(
                dora,
                tx ->
                    Routines.getOrCreateConversation(
                        tx.configuration(), dora, database.alice().id()))
            .equals(conversation));
  }

  @Test
  void whatIsNotToldStaysAndAnEmptyTextClears() {
    UUID dora =
        people.person(null, "dora@example.org", "Dora Dietz", "Blue", "https://a.example/d");
    assertEquals(dora, people.person(null, "DORA@example.org", null, null, null));
    assertEquals("DORA@example.org Dora Dietz Blue https://a.example/d active", stored(dora));
    assertEquals(dora, people.person(dora.toString(), "d@example.org", "Dora Doe", "", ""));
    assertEquals("d@example.org Dora Doe   active", stored(dora));
  }

  @Test
  void anIdOfTheIdentityProviderIsKept() {
    UUID id = UUID.randomUUID();
    assertEquals(id, people.person(id.toString(), "e@example.org", "Eve", null, null));
    assertEquals(
        "E@example.org is the address of "
            + id
            + " already. An address is of one person only, whatever its case.",
        refusal(
            () -> people.person(UUID.randomUUID().toString(), "E@example.org", "Eve", null, null)));
  }

  @Test
  void anAddressOfTwoPeopleIsAmbiguous() {
    database.asOwner(
        "insert into users (full_name, email) values ('One', 'twin@example.org'), ('Two', 'TWIN@example.org')");
    assertEquals(
        "Several people have the address \"twin@example.org\". Give the id.",
        refusal(() -> people.person(null, "twin@example.org", null, null, null)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "no address|Nobody|Blue|This is no e-mail address: \"no address\". Each person has one.",
        "a@b c|Nobody|Blue|This is no e-mail address: \"a@b c\". Each person has one.",
        "a@example.org||Blue|a@example.org is new, so tell the full name. Only who is there already keeps what is not told.",
        "a@example.org|' '|Blue|The full name is empty. Give a name, or leave it out to keep the one that is there.",
        "a@example.org|Anna|Purple|There is no team \"Purple\". Add it first: the function and the command add-team do.",
      })
  void whatCannotBeStoredIsRefusedInWords(String email, String name, String team, String reason) {
    assertEquals(reason, refusal(() -> people.person(null, email, name, team, null)));
    assertEquals("5", database.ownerReads("select count(*) from users"));
  }

  @Test
  void whoIsNotActiveWritesNothingAndIsGivenNoToken() {
    UUID conversation = database.alice().talksTo(database.bob());
    String bob = database.ownerReads("select email from users where full_name like 'Bob%'");
    assertEquals(database.bob().id(), people.active(bob));
    assertTrue(people.activate(bob, false));
    assertFalse(people.activate(bob, false));
    assertTrue(refusal(() -> people.active(bob)).contains("is not active"));
    assertThrows(
        RuntimeException.class,
        () ->
            database
                .chat()
                .as(
                    database.bob().id(),
                    tx ->
                        Routines.sendMessage(
                            tx.configuration(),
                            conversation,
                            "Hi",
                            null,
                            null,
                            null,
                            null,
                            null,
                            null,
                            null)));
    assertTrue(people.activate(database.bob().id().toString(), true));
    assertEquals(database.bob().id(), people.active(bob));
    assertEquals(
        "Nobody has the e-mail address or id \"nobody@example.org\". add_person adds somebody.",
        refusal(() -> people.activate("nobody@example.org", true)));
  }

  @Test
  void aBackEndDoesTheSameByFunctions() {
    Caller service = Caller.service();
    UUID green = database.chat().as(service, tx -> Routines.addTeam(tx.configuration(), "Green"));
    UUID dora =
        database
            .chat()
            .as(
                service,
                tx ->
                    Routines.addPerson(
                        tx.configuration(),
                        "dora@example.org",
                        "Dora",
                        green.toString(),
                        null,
                        null));
    assertEquals("dora@example.org Dora Green  active", stored(dora));
    assertEquals(
        true,
        database
            .chat()
            .as(service, tx -> Routines.deactivatePerson(tx.configuration(), "dora@example.org")));
    assertEquals("dora@example.org Dora Green  inactive", stored(dora));
    assertEquals(
        true,
        database
            .chat()
            .as(service, tx -> Routines.activatePerson(tx.configuration(), dora.toString())));
    assertEquals(
        "no_person",
        assertThrows(
                Refusal.class,
                () ->
                    database
                        .chat()
                        .as(service, tx -> Routines.activatePerson(tx.configuration(), "nobody")))
            .details());
    database
        .alice()
        .isRefused(
            () -> database.alice().tries(tx -> Routines.addTeam(tx.configuration(), "Mine")),
            "42501");
  }

  @Test
  void functionsArePartOfTheContractOnTheStandalonePlatformAlone() {
    String served =
        "select count(*) from chat.callable_functions() where name in ('add_team', 'add_person', 'activate_person', 'deactivate_person')";
    assertEquals("4", database.ownerReads(served));
    database.asOwner("update chat.settings set platform = 'existing'");
    assertEquals("0", database.ownerReads(served));
    assertEquals(
        "platform",
        assertThrows(
                Refusal.class,
                () ->
                    database
                        .chat()
                        .as(Caller.service(), tx -> Routines.addTeam(tx.configuration(), "Green")))
            .details());
  }

  @Test
  void aFileIsReadAgainWithoutHarm() throws Exception {
    Path file =
        file(
            """
            \uFEFFemail,full_name,team,status
            "dora@example.org","Dietz, Dora",Green,gone
            émile@example.org,Émile Zoë,Blue,inactive
            """);
    assertEquals(
        "Nothing was stored.\nEntry 1: The status is active or inactive, not \"gone\". Leave it out to keep the one that is there.",
        refusal(() -> read(file, true)).replace("\r", ""));
    Path right = file(Files.readString(file).replace("gone", ""));
    assertEquals(
        "Nothing was stored.\nEntry 1: There is no team \"Green\". Add it first: the function and the command add-team do.",
        refusal(() -> read(right, false)).replace("\r", ""));
    assertEquals("5", database.ownerReads("select count(*) from users"));
    assertEquals(new Imported(2, 0, 0), read(right, true));
    assertEquals(new Imported(0, 0, 2), read(right, true));
    assertEquals(
        new Imported(0, 1, 0), read(file("email;full_name\ndora@example.org;Dora\n"), false));
    assertEquals("dora@example.org Dora Green  active", stored(people.active("dora@example.org")));
  }

  @Test
  void whatIsNoFileOfPeopleIsRefused() throws Exception {
    assertTrue(refusal(() -> read(file("name,mail\nA,a@b\n"), true)).endsWith("it is: name,mail"));
    assertTrue(refusal(() -> read(file(""), true)).startsWith("The first line names the columns"));
    Path latin = folder.resolve("latin.csv");
    Files.writeString(latin, "email\né@example.org\n", Charset.forName("ISO-8859-1"));
    assertTrue(refusal(() -> read(latin, true)).startsWith("The file is not in UTF-8"));
    assertTrue(
        refusal(() -> read(file("email,full_name\na@b.example,A\nA@b.example,A\n"), true))
            .endsWith("Entry 2: the same person as entry 1"));
    assertTrue(
        refusal(() -> read(file("email,full_name\na@b.example,A\0\n"), true))
            .contains("control character"));
  }

  @Test
  void anExistingPlatformKeepsItsPeople() {
    database.asOwner("update chat.settings set platform = 'existing'");
    assertTrue(
        assertThrows(IllegalStateException.class, () -> open(database))
            .getMessage()
            .startsWith("Teams and people belong to the platform"));
  }

  private Imported read(Path file, boolean createsTeams) {
    try {
      return people.read(file, createsTeams);
    } catch (java.io.IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private Path file(String text) throws java.io.IOException {
    Path file = Files.createTempFile(folder, "people", ".csv");
    Files.writeString(file, text, StandardCharsets.UTF_8);
    return file;
  }

  private String stored(UUID id) {
    return database.ownerReads(
        "select concat_ws(' ', email, full_name, coalesce((select name from teams t where t.id = team_id), ''), coalesce(avatar_url, ''), status) from users where id = '%s'"
            .formatted(id));
  }

  private static String refusal(org.junit.jupiter.api.function.Executable refused) {
    return String.valueOf(assertThrows(InvalidPerson.class, refused).getMessage());
  }

  private static People open(TestDatabase database) {
    try {
      return People.of(database.owner());
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }
}
