package com.gptdesk.chat.service.scim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.http.Cors;
import com.gptdesk.chat.service.http.RequestBounds;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.http.TrustedProxies;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.rpc.EchoService;
import com.gptdesk.chat.service.server.HttpService;
import com.gptdesk.chat.service.server.HttpSettings;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What Okta and Entra ID send, as their documents show it, over a real socket. */
class ScimEndpointTest {
  private static final String TOKEN = "the token of an identity provider";
  private static final JsonMapper JSON = JsonMapper.shared();

  private static final String OF_OKTA =
      """
      {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
       "userName": "test.user@okta.local",
       "name": {"givenName": "Test", "familyName": "User"},
       "emails": [{"primary": true, "value": "test.user@okta.local", "type": "work"}],
       "displayName": "Test User", "locale": "en-US", "externalId": "00ujl29u0le5T6Aj10h7",
       "groups": [], "password": "1mz050nq", "active": true}
      """;

  private static final String OF_ENTRA =
      """
      {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
       "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
       "userName": "Test_User_ab6490ee", "active": true,
       "emails": [{"primary": true, "type": "work", "value": "test_user@testuser.com"}],
       "meta": {"resourceType": "User"},
       "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
       "roles": [],
       "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Sales", "organization": "Blue"}}
      """;

  private final TestDatabase database = TestDatabase.fresh();
  private final Vertx vertx = Vertx.vertx();
  private final Metrics metrics = new Metrics(null);
  private final HttpClient client = HttpClient.newHttpClient();
  private @Nullable HttpService service;
  private int port = serve(settings(null, null));

  @AfterEach
  void stop() throws Exception {
    if (service != null) {
      service.close();
    }
    vertx.close().await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    client.close();
    metrics.close();
    database.close();
  }

  @Test
  void oktaAddsChangesAndDeactivates() throws Exception {
    String asked = "/Users?filter=" + encoded("userName eq \"test.user@okta.local\"");
    assertEquals(0, get(asked + "&startIndex=1&count=100").get("totalResults").asInt());

    HttpResponse<String> added = send("POST", "/Users", OF_OKTA);
    assertEquals(201, added.statusCode(), added.body());
    assertTrue(
        added
            .headers()
            .firstValue("Content-Type")
            .orElseThrow()
            .startsWith("application/scim+json"));
    JsonNode person = JSON.readTree(added.body());
    String id = person.get("id").stringValue();
    assertEquals("/scim/v2/Users/" + id, added.headers().firstValue("Location").orElseThrow());
    assertEquals("User", person.at("/name/familyName").stringValue());
    assertFalse(person.has("password"));
    assertEquals("Test User active null", stored(id));

    assertEquals(id, get(asked).at("/Resources/0/id").stringValue());
    assertEquals(person, get("/Users/" + id));

    String replaced =
        added.body().replace("\"displayName\":\"Test User\"", "\"displayName\":\"T. U.\"");
    assertEquals(200, send("PUT", "/Users/" + id, replaced).statusCode());
    assertEquals("T. U. active null", stored(id));

    String off =
        """
        {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
         "Operations": [{"op": "replace", "value": {"active": false}}]}
        """;
    JsonNode inactive = JSON.readTree(send("PATCH", "/Users/" + id, off).body());
    assertFalse(inactive.get("active").booleanValue());
    assertEquals("T. U. inactive null", stored(id));
    assertFalse(get(asked).at("/Resources/0/active").booleanValue());
  }

  @Test
  void entraFindsByItsOwnIdWhichIsThePersonsId() throws Exception {
    HttpResponse<String> added = send("POST", "/Users", OF_ENTRA);
    assertEquals(201, added.statusCode(), added.body());
    String id = JSON.readTree(added.body()).get("id").stringValue();
    assertEquals("0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef", id);
    assertEquals("givenName familyName active null", stored(id));
    for (String filter :
        List.of(
            "externalId eq \"0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef\"",
            "USERNAME Eq \"test_user_AB6490EE\"",
            "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"Test_User_ab6490ee\"",
            "id eq \"" + id + "\"")) {
      assertEquals(id, get("/Users?filter=" + encoded(filter)).at("/Resources/0/id").stringValue());
    }
    assertEquals(204, send("DELETE", "/Users/" + id, null).statusCode());
    assertEquals(404, send("DELETE", "/Users/" + id, null).statusCode());
    assertEquals(404, send("GET", "/Users/" + id, null).statusCode());
    assertEquals("givenName familyName inactive null", stored(id));
    assertEquals(5, get("/Users").get("totalResults").asInt());

    JsonNode another = JSON.readTree(send("POST", "/Users", OF_ENTRA).body());
    assertFalse(id.equals(another.get("id").stringValue()), "a new person gets nobody's history");
  }

  static Stream<Arguments> patches() {
    String enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    return Stream.of(
        Arguments.of(
            "Entra: an address of a type",
            "{\"op\":\"Replace\",\"path\":\"emails[type eq \\\"work\\\"].value\",\"value\":\"updated@microsoft.com\"}",
            "/emails/0/value",
            "updated@microsoft.com"),
        Arguments.of(
            "Entra: an address of a type that is not there",
            "{\"op\":\"Add\",\"path\":\"emails[type eq \\\"home\\\"].value\",\"value\":\"h@microsoft.com\"}",
            "/emails/1/value",
            "h@microsoft.com"),
        Arguments.of(
            "Entra: a part of the name",
            "{\"op\":\"Replace\",\"path\":\"name.familyName\",\"value\":\"Updated\"}",
            "/name/familyName",
            "Updated"),
        Arguments.of(
            "Entra: the name to log in with",
            "{\"op\":\"Replace\",\"path\":\"userName\",\"value\":\"5b50642d@contoso.com\"}",
            "/userName",
            "5b50642d@contoso.com"),
        Arguments.of(
            "Entra: off, as a word",
            "{\"op\":\"Replace\",\"path\":\"active\",\"value\":\"False\"}",
            "/active",
            "false"),
        Arguments.of(
            "Entra: an attribute in other letters",
            "{\"op\":\"Replace\",\"path\":\"ACTIVE\",\"value\":\"fALSE\"}",
            "/active",
            "false"),
        Arguments.of(
            "Entra: an attribute after its schema",
            "{\"op\":\"Replace\",\"path\":\"urn:ietf:params:scim:schemas:core:2.0:User:displayName\",\"value\":\"D\"}",
            "/displayName",
            "D"),
        Arguments.of(
            "Entra: off, in an object",
            "{\"op\":\"Replace\",\"value\":{\"Active\":\"False\",\"DISPLAYNAME\":\"D\"}}",
            "/active",
            "false"),
        Arguments.of(
            "Entra: a part of a list in other letters",
            "{\"op\":\"Replace\",\"path\":\"Emails[Type eq \\\"Work\\\"].Value\",\"value\":\"o@microsoft.com\"}",
            "/emails/0/value",
            "o@microsoft.com"),
        Arguments.of(
            "Entra: the primary one, as a word",
            "{\"op\":\"Add\",\"path\":\"roles[primary eq \\\"True\\\"].value\",\"value\":\"Admin\"}",
            "/roles/0/primary",
            "true"),
        Arguments.of(
            "Entra: the manager goes",
            "{\"op\":\"Remove\",\"path\":\"%s:manager\"}".formatted(enterprise),
            "/" + enterprise + "/manager",
            ""),
        Arguments.of(
            "Entra: off",
            "{\"op\":\"replace\",\"path\":\"active\",\"value\":false}",
            "/active",
            "false"),
        Arguments.of(
            "Entra: the department",
            "{\"op\":\"Add\",\"path\":\"%s:department\",\"value\":\"Support\"}"
                .formatted(enterprise),
            "/" + enterprise + "/department",
            "Support"),
        Arguments.of(
            "Entra: several, by their paths as names",
            "{\"op\":\"Add\",\"value\":{\"name.givenName\":\"Anna\",\"%s:employeeNumber\":\"7\"}}"
                .formatted(enterprise),
            "/name/givenName",
            "Anna"),
        Arguments.of(
            "Entra: the manager",
            "{\"op\":\"Add\",\"path\":\"%s:manager\",\"value\":\"b8bb7e6e\"}".formatted(enterprise),
            "/" + enterprise + "/manager",
            "b8bb7e6e"),
        Arguments.of(
            "Entra: an attribute of an extension that nobody has here",
            "{\"op\":\"Add\",\"path\":\"urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User:tag\",\"value\":\"x\"}",
            "/userName",
            "Test_User_ab6490ee"),
        Arguments.of(
            "Okta: a profile",
            "{\"op\":\"replace\",\"value\":{\"displayName\":\"Updated\",\"active\":true,\"nickName\":\"U\"}}",
            "/displayName",
            "Updated"),
        Arguments.of(
            "Okta: on again",
            "{\"op\":\"replace\",\"value\":{\"active\":true}}",
            "/active",
            "true"),
        Arguments.of(
            "the RFC: a value added to a list becomes the primary one",
            "{\"op\":\"add\",\"path\":\"emails\",\"value\":[{\"value\":\"b@example.org\",\"primary\":true}]}",
            "/emails/1/value",
            "b@example.org"),
        Arguments.of(
            "the RFC: removed",
            "{\"op\":\"remove\",\"path\":\"%s:department\"}".formatted(enterprise),
            "/" + enterprise + "/department",
            ""),
        Arguments.of(
            "the RFC: removed from a list",
            "{\"op\":\"remove\",\"path\":\"emails[type eq \\\"work\\\"]\"}",
            "/emails/0/value",
            "test_user@testuser.com"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("patches")
  void aPatchIsAppliedAsItsProviderMeansIt(
      String who, String operation, String pointer, String expected) throws Exception {
    String id = id(send("POST", "/Users", OF_ENTRA));
    HttpResponse<String> patched =
        send("PATCH", "/Users/" + id, "{\"Operations\":[" + operation + "]}");
    assertEquals(200, patched.statusCode(), patched.body());
    assertEquals(expected, JSON.readTree(patched.body()).at(pointer).asString(""), patched.body());
    assertEquals(JSON.readTree(patched.body()), get("/Users/" + id));
  }

  @Test
  void namesOfAttributesDoNotDependOnCaseAndWordsAreTruths() throws Exception {
    String id =
        id(
            send(
                "POST",
                "/Users",
                """
                {"USERNAME": "x", "Active": "False", "DisplayName": "X", "NAME": {"FamilyName": "Y"},
                 "Emails": [{"Value": "a@example.org"}, {"VALUE": "b@example.org", "Primary": "True"}]}
                """));
    assertEquals("X inactive null", stored(id));
    assertEquals("b@example.org", addressOf(UUID.fromString(id)));
    JsonNode person = get("/Users/" + id);
    assertEquals("Y", person.at("/name/familyName").stringValue());
    assertTrue(person.at("/emails/1/primary").booleanValue());
    assertEquals(
        200, send("PUT", "/Users/" + id, "{\"username\":\"x\",\"ACTIVE\":\"True\"}").statusCode());
    assertEquals("X active null", stored(id));
  }

  @Test
  void oktaDeactivatesByReplacingAndEntraSendsSeveralOperationsAtOnce() throws Exception {
    String id = id(send("POST", "/Users", OF_OKTA));
    String off = OF_OKTA.replace("\"active\": true", "\"active\": false");
    assertEquals(200, send("PUT", "/Users/" + id, off).statusCode());
    assertEquals("Test User inactive null", stored(id));
    String several =
        """
        {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
          {"op": "Replace", "path": "active", "value": "True"},
          {"op": "Replace", "path": "displayName", "value": "Tested"},
          {"op": "Add", "path": "name.honorificPrefix", "value": "Dr."},
          {"op": "Remove", "path": "name.familyName"},
          {"op": "Add", "value": {"title": "Tester", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "QA"}}]}
        """;
    JsonNode changed = JSON.readTree(send("PATCH", "/Users/" + id, several).body());
    assertEquals("Tested active null", stored(id));
    assertEquals("Dr.", changed.at("/name/honorificPrefix").stringValue());
    assertFalse(changed.at("/name").has("familyName"));
    assertEquals("Tester", changed.get("title").stringValue());
    assertEquals("QA", changed.path(ScimPath.ENTERPRISE).path("department").stringValue());
  }

  /** As Okta imports people: page by page until it has totalResults of them. */
  @Test
  void pageByPageEverybodyComesOnce() throws Exception {
    List<String> seen = new ArrayList<>();
    int total;
    do {
      JsonNode page = get("/Users?startIndex=" + (seen.size() + 1) + "&count=2");
      total = page.get("totalResults").asInt();
      page.get("Resources").forEach(person -> seen.add(person.get("id").stringValue()));
      assertTrue(page.get("itemsPerPage").asInt() > 0);
    } while (seen.size() < total);
    assertEquals(5, seen.size());
    assertEquals(5, seen.stream().distinct().count());
    restart(new ScimSettings(TOKEN, null, null, 10_000, 3));
    assertEquals(3, get("/Users?count=1000").get("itemsPerPage").asInt(), "no more than the limit");
    JsonNode nobody = get("/Users?filter=" + encoded("userName eq \"" + UUID.randomUUID() + "\""));
    assertEquals(0, nobody.get("totalResults").asInt());
    assertEquals(0, nobody.get("Resources").size(), "as Entra ID tests the connection");
  }

  // Versions.

  @Test
  void whoChangesAnOldVersionIsRefused() throws Exception {
    HttpResponse<String> added = send("POST", "/Users", OF_OKTA);
    String id = id(added);
    String address = "/Users/" + id;
    String first = version(added);
    assertEquals(first, version(send("GET", address, null)));
    assertEquals(
        first,
        get("/Users?filter=" + encoded("id eq \"" + id + "\""))
            .at("/Resources/0/meta/version")
            .stringValue());
    assertEquals(304, send("GET", address, null, "If-None-Match", first).statusCode());
    assertEquals(304, send("GET", address, null, "If-None-Match", "\"x\", " + first).statusCode());
    assertEquals(200, send("GET", address, null, "If-None-Match", "\"x\"").statusCode());

    HttpResponse<String> changed =
        send("PUT", address, OF_OKTA.replace("Test User", "T. U."), "If-Match", first);
    assertEquals(200, changed.statusCode(), changed.body());
    String second = version(changed);
    assertFalse(first.equals(second));

    String off = "{\"Operations\":[{\"op\":\"replace\",\"path\":\"active\",\"value\":false}]}";
    for (HttpResponse<String> refused :
        List.of(
            send("PUT", address, OF_OKTA, "If-Match", first),
            send("PATCH", address, off, "If-Match", first),
            send("DELETE", address, null, "If-Match", first))) {
      assertEquals(412, refused.statusCode());
      assertEquals("412", JSON.readTree(refused.body()).get("status").stringValue());
    }
    assertEquals("T. U. active null", stored(id));
    assertEquals(second, version(send("GET", address, null)));

    database.asOwner("update users set status = 'inactive' where id = '%s'".formatted(id));
    String third = version(send("GET", address, null));
    assertFalse(second.equals(third), "what an operator changes is another version, too");
    assertEquals(200, send("PATCH", address, off, "If-Match", "*").statusCode());
    String last = version(send("GET", address, null));
    assertEquals(204, send("DELETE", address, null, "If-Match", last).statusCode());
    assertEquals(404, send("DELETE", address, null, "If-Match", "*").statusCode());
  }

  @Test
  void ofSeveralWhoChangeTheSameVersionOneDoes() throws Exception {
    HttpResponse<String> added = send("POST", "/Users", OF_OKTA);
    String address = "/Users/" + id(added);
    CyclicBarrier together = new CyclicBarrier(4);
    List<CompletableFuture<Integer>> all =
        IntStream.range(0, 4)
            .mapToObj(
                n ->
                    CompletableFuture.supplyAsync(
                        () -> {
                          try {
                            together.await();
                            String body = OF_OKTA.replace("Test User", "Test " + n);
                            return send("PUT", address, body, "If-Match", version(added))
                                .statusCode();
                          } catch (Exception e) {
                            throw new IllegalStateException(e);
                          }
                        },
                        task -> Thread.ofVirtual().start(task)))
            .toList();
    assertEquals(
        List.of(200, 412, 412, 412), all.stream().map(CompletableFuture::join).sorted().toList());
  }

  private static String version(HttpResponse<String> answer) {
    String version = JSON.readTree(answer.body()).at("/meta/version").stringValue();
    assertEquals(version, answer.headers().firstValue("ETag").orElseThrow());
    assertTrue(version.startsWith("W/\""), version);
    return version;
  }

  @Test
  void whoIsDeactivatedIsShutOutAtOnceAndRelaysHearOfIt() throws Exception {
    UUID conversation = database.alice().talksTo(database.bob());
    String before = database.ownerReads("select coalesce(max(seq), 0) from relay.change_log");
    HttpResponse<String> off =
        send(
            "PATCH",
            "/Users/" + database.bob().id(),
            "{\"Operations\":[{\"op\":\"Replace\",\"path\":\"active\",\"value\":\"False\"}]}");
    assertEquals(200, off.statusCode(), off.body());
    database.bob().isRefused(() -> database.bob().sends(conversation, "hi"), "PT403");
    assertEquals(
        "1",
        database.ownerReads(
            "select count(*) from relay.change_log where seq > %s and table_name = 'users' and '%s' = any (audience)"
                .formatted(before, database.bob().id())));
    assertEquals(
        200,
        send(
                "PATCH",
                "/Users/" + database.bob().id(),
                "{\"Operations\":[{\"op\":\"replace\",\"value\":{\"active\":true}}]}")
            .statusCode());
    database.bob().sends(conversation, "hi");
  }

  @Test
  void twoAtOnceOfOneNameAreOnePersonAndOneRefusal() throws Exception {
    CyclicBarrier together = new CyclicBarrier(8);
    List<CompletableFuture<Integer>> all =
        IntStream.range(0, 8)
            .mapToObj(
                n ->
                    CompletableFuture.supplyAsync(
                        () -> {
                          try {
                            together.await();
                            return send("POST", "/Users", OF_OKTA).statusCode();
                          } catch (Exception e) {
                            throw new IllegalStateException(e);
                          }
                        },
                        task -> Thread.ofVirtual().start(task)))
            .toList();
    List<Integer> answers = all.stream().map(CompletableFuture::join).sorted().toList();
    assertEquals(List.of(201, 409, 409, 409, 409, 409, 409, 409), answers);
  }

  @Test
  void aNameAnIdAndAnAddressAreOfOnePerson() throws Exception {
    assertEquals(201, send("POST", "/Users", OF_OKTA).statusCode());
    for (String same :
        List.of(
            "{\"userName\":\"TEST.USER@okta.local\"}",
            "{\"userName\":\"x@okta.local\",\"externalId\":\"00ujl29u0le5T6Aj10h7\"}",
            "{\"userName\":\"x\",\"emails\":[{\"value\":\"Test.User@okta.local\"}]}",
            "{\"userName\":\"%s\"}".formatted(addressOf(database.alice().id())))) {
      HttpResponse<String> refused = send("POST", "/Users", same);
      assertEquals(409, refused.statusCode(), same);
      JsonNode error = JSON.readTree(refused.body());
      assertEquals("uniqueness", error.get("scimType").stringValue());
      assertEquals("409", error.get("status").stringValue());
      assertEquals(
          "urn:ietf:params:scim:api:messages:2.0:Error", error.at("/schemas/0").stringValue());
    }
    assertEquals(
        409,
        send("PUT", "/Users/" + database.alice().id(), "{\"userName\":\"test.user@okta.local\"}")
            .statusCode());
  }

  @Test
  void whomAnOperatorAddedIsFoundByTheirAddressAndTakenOver() throws Exception {
    String address = addressOf(database.alice().id());
    JsonNode found = get("/Users?filter=" + encoded("userName eq \"" + address + "\""));
    assertEquals(database.alice().id().toString(), found.at("/Resources/0/id").stringValue());
    assertEquals(address, found.at("/Resources/0/emails/0/value").stringValue());
    String name =
        database.ownerReads("select full_name from users where email = '" + address + "'");
    assertEquals(
        200,
        send(
                "PUT",
                "/Users/" + database.alice().id(),
                "{\"userName\":\"alice.adams\",\"externalId\":\"00u1\"}")
            .statusCode());
    assertEquals(
        name + " active Blue", stored(database.alice().id().toString()), "what is not told stays");
  }

  @Test
  void newPeopleJoinTheTeamOfTheSettingAndStayWhereTheyArePut() throws Exception {
    restart(settings("Green", null));
    String id = id(send("POST", "/Users", OF_ENTRA));
    assertEquals("givenName familyName active Green", stored(id));
    database.asOwner(
        "update users set team_id = '%s' where id = '%s'".formatted(TestDatabase.RED, id));
    assertEquals(200, send("PUT", "/Users/" + id, OF_ENTRA).statusCode());
    assertEquals("givenName familyName active Red", stored(id));
  }

  @Test
  void anAttributeNamesTheTeamWhereTheOperatorSaysSo() throws Exception {
    restart(settings("Green", "organization"));
    String id = id(send("POST", "/Users", OF_ENTRA));
    assertEquals("givenName familyName active Blue", stored(id));
    assertEquals(
        200, send("PUT", "/Users/" + id, OF_ENTRA.replace("\"Blue\"", "\"Violet\"")).statusCode());
    assertEquals("givenName familyName active Violet", stored(id));
    assertEquals("Test User active Green", stored(id(send("POST", "/Users", OF_OKTA))));
  }

  @Test
  void listsHavePages() throws Exception {
    JsonNode all = get("/Users");
    assertEquals(5, all.get("totalResults").asInt());
    JsonNode second = get("/Users?startIndex=3&count=2");
    assertEquals(5, second.get("totalResults").asInt());
    assertEquals(3, second.get("startIndex").asInt());
    assertEquals(2, second.get("itemsPerPage").asInt());
    assertEquals(all.at("/Resources/2"), second.at("/Resources/0"));
    for (String empty : List.of("count=0", "startIndex=6", "count=-1")) {
      JsonNode page = get("/Users?" + empty);
      assertEquals(5, page.get("totalResults").asInt(), empty);
      assertEquals(0, page.get("Resources").size(), empty);
    }
    assertEquals(1, get("/Users?startIndex=-7").get("startIndex").asInt());
  }

  @Test
  void itTellsWhatItCan() throws Exception {
    JsonNode config = get("/ServiceProviderConfig");
    assertTrue(config.at("/patch/supported").booleanValue());
    assertEquals(50, config.at("/filter/maxResults").asInt());
    assertEquals("User", get("/ResourceTypes").at("/Resources/0/id").stringValue());
    assertEquals("/Users", get("/ResourceTypes/User").get("endpoint").stringValue());
    JsonNode schemas = get("/Schemas");
    assertEquals(2, schemas.get("totalResults").asInt());
    for (JsonNode schema : schemas.get("Resources")) {
      assertEquals(schema, get("/Schemas/" + schema.get("id").stringValue()));
    }
    assertEquals(404, send("GET", "/Schemas/other", null).statusCode());
    assertEquals(405, send("POST", "/Schemas", "{}").statusCode());
    assertTrue(config.at("/etag/supported").booleanValue());
    assertEquals(1, get("/ResourceTypes").get("totalResults").asInt());
    for (String groups :
        List.of("/Groups", "/Groups/1", "/Groups?filter=" + encoded("displayName eq \"a\""))) {
      HttpResponse<String> none = send("GET", groups, null);
      assertEquals(404, none.statusCode());
      String why = JSON.readTree(none.body()).get("detail").stringValue();
      assertTrue(why.startsWith("Groups are not served"), why);
    }
    assertFalse(config.at("/bulk/supported").booleanValue());
    assertEquals(501, send("POST", "/Bulk", "{}").statusCode());
    assertEquals(501, send("GET", "/Me", null).statusCode());
    assertEquals(501, send("POST", "/Users/.search", "{}").statusCode());
    assertEquals(404, send("GET", "/Other", null).statusCode());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[]|invalidSyntax",
        "{|invalidSyntax",
        "{}|invalidValue",
        "{\"userName\":\" \"}|invalidValue",
        "{\"userName\":7}|invalidValue",
        "{\"userName\":\"x\"}|invalidValue",
        "{\"userName\":\"x\\u0001@example.org\"}|invalidValue",
        "{\"userName\":\"a@b.example\",\"active\":\"perhaps\"}|invalidValue",
        "{\"userName\":\"a@b.example\",\"emails\":[7]}|invalidValue",
        "{\"userName\":\"a@b.example\",\"name\":[]}|invalidValue",
      })
  void whatIsNoPersonIsRefused(String body, String scimType) throws Exception {
    HttpResponse<String> refused = send("POST", "/Users", body);
    assertEquals(400, refused.statusCode(), refused.body());
    assertEquals(scimType, JSON.readTree(refused.body()).get("scimType").stringValue());
    assertEquals("5", database.ownerReads("select count(*) from users"));
  }

  @Test
  void whatIsTooMuchIsRefused() throws Exception {
    String deep =
        "{\"userName\":\"a@b.example\",\"x\":" + "[".repeat(5000) + "]".repeat(5000) + "}";
    assertEquals(400, send("POST", "/Users", deep).statusCode());
    String many = "{\"value\":\"a@b.example\"},".repeat(50) + "{\"value\":\"c@b.example\"}";
    assertEquals(
        400,
        send("POST", "/Users", "{\"userName\":\"a@b.example\",\"emails\":[" + many + "]}")
            .statusCode());
    String large = "{\"userName\":\"a@b.example\",\"title\":\"" + "x".repeat(17_000) + "\"}";
    assertEquals(400, send("POST", "/Users", large).statusCode());
    HttpResponse<String> larger =
        send("POST", "/Users", "{\"userName\":\"" + "x".repeat(70_000) + "@b.example\"}");
    assertEquals(413, larger.statusCode());
    assertEquals("413", JSON.readTree(larger.body()).get("status").stringValue());
    assertEquals("5", database.ownerReads("select count(*) from users"));

    String passedOver =
        "{\"userName\":\"a@b.example\",\"isAdmin\":true,\"role\":\"service_role\",\"id\":\"%s\",\"__proto__\":{}}"
            .formatted(database.alice().id());
    JsonNode added = JSON.readTree(send("POST", "/Users", passedOver).body());
    assertFalse(added.has("isAdmin"));
    assertFalse(database.alice().id().toString().equals(added.get("id").stringValue()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{}|invalidSyntax",
        "{\"Operations\":[]}|invalidSyntax",
        "{\"Operations\":[7]}|invalidSyntax",
        "{\"Operations\":[{\"op\":\"move\",\"path\":\"active\",\"value\":true}]}|invalidSyntax",
        "{\"Operations\":[{\"op\":\"remove\"}]}|noTarget",
        "{\"Operations\":[{\"op\":\"remove\",\"path\":\"userName\"}]}|invalidValue",
        "{\"Operations\":[{\"op\":\"remove\",\"path\":\"active\"}]}|invalidValue",
        "{\"Operations\":[{\"op\":\"replace\",\"path\":\"userName\",\"value\":null}]}|invalidValue",
        "{\"Operations\":[{\"op\":\"replace\",\"path\":\"id\",\"value\":\"x\"}]}|mutability",
        "{\"Operations\":[{\"op\":\"replace\",\"path\":\"emails[type eq\",\"value\":\"x\"}]}|invalidPath",
        "{\"Operations\":[{\"op\":\"replace\",\"path\":\"active.part\",\"value\":\"x\"}]}|invalidPath",
        "{\"Operations\":[{\"op\":\"replace\",\"path\":\"displayName\",\"value\":\"A\"},{\"op\":\"x\"}]}|invalidSyntax",
      })
  void aPatchIsAppliedWholeOrNotAtAll(String body, String scimType) throws Exception {
    JsonNode before = get("/Users/" + database.alice().id());
    HttpResponse<String> refused = send("PATCH", "/Users/" + database.alice().id(), body);
    assertEquals(400, refused.statusCode(), refused.body());
    assertEquals(scimType, JSON.readTree(refused.body()).get("scimType").stringValue());
    assertEquals(before, get("/Users/" + database.alice().id()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "userName sw \"a\"",
        "userName eq alice",
        "userName eq \"a\" or userName eq \"b\"",
        "email eq \"a\"",
        "userName",
        "",
        "userName eq \"\\x\"",
      })
  void anotherFilterIsRefused(String filter) throws Exception {
    HttpResponse<String> refused = send("GET", "/Users?filter=" + encoded(filter), null);
    assertEquals(400, refused.statusCode());
    assertEquals("invalidFilter", JSON.readTree(refused.body()).get("scimType").stringValue());
  }

  @Test
  void aFilterIsAValueAndNoPartOfAStatement() throws Exception {
    for (String name : List.of("' or true --", "%", "\\u0000", "a\\\"b")) {
      assertEquals(
          0,
          get("/Users?filter=" + encoded("userName eq \"" + name + "\""))
              .get("totalResults")
              .asInt());
    }
    assertEquals(404, send("GET", "/Users/me", null).statusCode());
    assertEquals(404, send("GET", "/Users/" + UUID.randomUUID(), null).statusCode());
  }

  @Test
  void withoutItsTokenNobodyReadsOrChanges() throws Exception {
    for (String given : List.of("", "Bearer guessed", "Basic " + TOKEN, TOKEN)) {
      HttpRequest.Builder request = HttpRequest.newBuilder(address("/Users"));
      if (!given.isEmpty()) {
        request.header("Authorization", given);
      }
      HttpResponse<String> refused = client.send(request.build(), BodyHandlers.ofString());
      assertEquals(401, refused.statusCode(), given);
      assertEquals("Bearer", refused.headers().firstValue("WWW-Authenticate").orElseThrow());
      assertEquals("401", JSON.readTree(refused.body()).get("status").stringValue());
    }
  }

  @Test
  void withoutASettingThereIsNoSuchAddress() throws Exception {
    restart(null);
    assertEquals(404, send("GET", "/Users", null).statusCode());
    assertEquals(404, send("POST", "/Users", OF_OKTA).statusCode());
  }

  @Test
  void tooManyRequestsAreRefused() throws Exception {
    restart(new ScimSettings(TOKEN, null, null, 1, 50));
    HttpResponse<String> refused =
        Await.value(
            "a refusal",
            () -> send("GET", "/ServiceProviderConfig", null),
            answer -> answer.statusCode() == 429);
    assertEquals("1", refused.headers().firstValue("Retry-After").orElseThrow());
    assertEquals("429", JSON.readTree(refused.body()).get("status").stringValue());
  }

  @Test
  void anExistingPlatformKeepsItsPeople() {
    database.asOwner("update chat.settings set platform = 'existing'");
    ScimPeople people = new ScimPeople(database.chat(), settings(null, null));
    assertTrue(
        assertThrows(IllegalStateException.class, people::demandOwn)
            .getMessage()
            .startsWith("CHAT_SCIM_TOKEN is set, but"));
  }

  // ---- helpers --------------------------------------------------------------------------------

  private static ScimSettings settings(@Nullable String team, @Nullable String teamFrom) {
    return new ScimSettings(TOKEN, team, teamFrom, 10_000, 50);
  }

  private void restart(@Nullable ScimSettings settings) {
    if (service != null) {
      service.close();
    }
    port = serve(settings);
  }

  private int serve(@Nullable ScimSettings settings) {
    HttpService started =
        EchoService.of(
            vertx,
            new HttpSettings(
                "127.0.0.1",
                0,
                null,
                RequestBounds.defaults().withBody(65_536),
                List.of(),
                Cors.all(),
                TrustedProxies.none(),
                null),
            RequestLimits.ample(),
            new TokenVerifier(TokenSettings.ofSecret("a secret that is at least 32 bytes long")),
            settings == null
                ? null
                : new ScimEndpoint(new ScimPeople(database.chat(), settings), settings, TOKEN),
            metrics);
    service = started;
    return started.start();
  }

  private URI address(String path) {
    return URI.create("http://127.0.0.1:" + port + "/scim/v2" + path);
  }

  private HttpResponse<String> send(
      String method, String path, @Nullable String body, String... headers) throws Exception {
    HttpRequest.Builder request = HttpRequest.newBuilder(address(path));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(
        request
            .header("Authorization", "Bearer " + TOKEN)
            .header("Content-Type", "application/scim+json")
            .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
            .build(),
        BodyHandlers.ofString());
  }

  private JsonNode get(String path) throws Exception {
    HttpResponse<String> answer = send("GET", path, null);
    assertEquals(200, answer.statusCode(), answer.body());
    return JSON.readTree(answer.body());
  }

  private static String id(HttpResponse<String> added) {
    assertEquals(201, added.statusCode(), added.body());
    return JSON.readTree(added.body()).get("id").stringValue();
  }

  private String stored(String id) {
    return database.ownerReads(
        "select concat_ws(' ', full_name, status, coalesce((select name from teams t where t.id = team_id), 'null')) from users where id = '%s'"
            .formatted(id));
  }

  private String addressOf(UUID id) {
    return database.ownerReads("select email from users where id = '" + id + "'");
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
