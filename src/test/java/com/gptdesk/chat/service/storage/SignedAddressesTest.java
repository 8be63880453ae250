package com.gptdesk.chat.service.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.storage.StorageClient.Answer;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Addresses that work without a token of a person, until they expire or the right ends. */
class SignedAddressesTest extends StorageScene {
  @Test
  void aSignedAddressEndsWithItsTimeAndWithTheRightOfWhoSigned() {
    alice.upload(chat + "a.txt", TEXT);
    String address = signed(bob, chat + "a.txt");
    assertArrayEquals(TEXT, anon.get(address).response().body());
    assertEquals(
        "attachment; filename*=UTF-8''my%20notes.txt",
        anon.get(address + "&download=my%20notes.txt").header("Content-Disposition"));
    assertEquals(
        "404",
        mallory.post("/object/sign/attachments/" + chat + "a.txt", "{\"expiresIn\":60}").refusal());
    alice.upload(chat + "b.txt", TEXT);
    assertEquals("400", anon.get(address.replace("a.txt", "b.txt")).refusal(), "another file");
    assertEquals("400", anon.get(address + "x").refusal(), "another signature");
    String persons = address.replaceFirst("token=.*", "token=" + alice.token());
    assertEquals("400", anon.get(persons).refusal(), "a person's token");
    assertEquals(
        "403",
        anon.get(
                "/object/attachments/" + chat + "a.txt",
                "Authorization",
                "Bearer " + address.replaceFirst(".*token=", ""))
            .refusal(),
        "no token of a person");
    database.asOwner(
        "update public.users set status = 'inactive' where id = '" + database.bob().id() + "'");
    try {
      assertEquals("404", anon.get(address).refusal(), "who signed may not read any more");
    } finally {
      database.asOwner(
          "update public.users set status = 'active' where id = '" + database.bob().id() + "'");
    }
    assertEquals(200, anon.get(address).status());
    NOW.set(NOW.get().plusSeconds(61));
    assertEquals("400", anon.get(address).refusal(), "it has expired");
  }

  @Test
  void severalAddressesAreSignedAtOnce() {
    alice.upload(chat + "a.txt", TEXT);
    JsonNode signed =
        bob.post(
                "/object/sign/attachments",
                "{\"expiresIn\":60,\"paths\":[\"%sa.txt\",\"%snone.txt\"]}".formatted(chat, chat))
            .json();
    assertEquals(200, anon.get(signed.at("/0/signedURL").asString()).status());
    assertTrue(signed.at("/1/signedURL").isNull());
    assertTrue(signed.at("/1/error").asString().startsWith("Either the object does not exist"));
  }

  @Test
  void aSignedAddressForAnUploadIsForOnePath() {
    String path = "/object/upload/sign/attachments/" + chat + "a.txt";
    assertEquals("403", mallory.post(path, "{}").refusal());
    String address = alice.post(path, "{}").json().get("url").asString();
    assertEquals("0", database.ownerReads("select count(*) from public.chat_files"));
    assertEquals("400", put(address.replace("a.txt", "b.txt")).refusal());
    assertEquals("400", put(address + "x").refusal());
    assertEquals(200, put(address).status());
    assertEquals("409", put(address).refusal());
    String replacing = alice.post(path, "{}", "x-upsert", "true").json().get("url").asString();
    assertEquals(200, put(replacing).status());
    assertEquals(
        "400",
        put(signed(alice, chat + "a.txt").replace("/object/sign/", "/object/upload/sign/"))
            .refusal(),
        "an address to read");
    NOW.set(NOW.get().plus(Duration.ofHours(3)));
    assertEquals("400", put(replacing).refusal());
  }

  private static Answer put(String address) {
    return anon.send("PUT", address, BodyPublishers.ofByteArray(TEXT));
  }
}
