package com.gptdesk.chat.service.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.files.FileCounts;
import com.gptdesk.chat.service.files.FileRecords;
import com.gptdesk.chat.service.files.FileSettings;
import com.gptdesk.chat.service.files.FileSweeper;
import com.gptdesk.chat.service.files.FullDisk;
import com.gptdesk.chat.service.files.IncomingFile;
import com.gptdesk.chat.service.files.ObjectStore;
import com.gptdesk.chat.service.files.Pictures;
import com.gptdesk.chat.service.files.StoredFile;
import com.gptdesk.chat.service.files.ThumbnailSettings;
import com.gptdesk.chat.service.http.Cors;
import com.gptdesk.chat.service.http.RequestBounds;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.http.TrustedProxies;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.rpc.EchoService;
import com.gptdesk.chat.service.server.HttpService;
import com.gptdesk.chat.service.server.HttpSettings;
import com.gptdesk.chat.service.storage.StorageClient.Answer;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.Person;
import com.gptdesk.chat.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Files over a real socket: who may upload, read and remove what, and what a failure leaves. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StorageEndpointTest {
  private static final String SECRET = "a secret that is at least 32 bytes long";
  static final byte[] TEXT = "0123456789".getBytes(StandardCharsets.UTF_8);
  private static final String OFFSET_TYPE = "application/offset+octet-stream";

  /** How long a request to the strict service may take to arrive. */
  private static final Duration ARRIVAL = Duration.ofSeconds(5);

  @TempDir private static Path folder;
  private static final AtomicReference<Instant> NOW = new AtomicReference<>(Instant.now());
  static TestDatabase database;
  private static FullDisk disk;
  private static ObjectStore store;
  private static FileCounts counts;
  private static TokenVerifier tokens;
  private static FileRecords records;
  private static FileSweeper sweeper;
  private static Vertx vertx;
  private static HttpService service;
  private static HttpService strict;
  static HttpClient http;
  private static Metrics metrics;
  private static int port;
  private static int strictPort;
  static StorageClient alice;
  static StorageClient bob;
  private static StorageClient mallory;
  private static StorageClient anon;
  private static UUID conversation;
  static String chat;

  @BeforeAll
  void start() throws IOException {
    database = TestDatabase.fresh();
    disk = new FullDisk(folder);
    counts = new FileCounts();
    store = store(disk, counts);
    records = new FileRecords(database.chat());
    sweeper = new FileSweeper(records, store, counts, Duration.ofDays(1), clock());
    tokens = new TokenVerifier(TokenSettings.ofSecret(SECRET));
    StorageEndpoint endpoint = endpoint(store);
    vertx = Vertx.vertx();
    metrics = new Metrics("a token for metrics");
    service = service(endpoint, tokens, RequestBounds.defaults());
    RequestBounds usual = RequestBounds.defaults();
    strict =
        service(
            endpoint,
            tokens,
            new RequestBounds(
                usual.maxBodyBytes(), usual.maxHeaderBytes(), usual.maxLineBytes(), ARRIVAL));
    port = service.start();
    strictPort = strict.start();
    http = HttpClient.newHttpClient();
    alice = client(database.alice());
    bob = client(database.bob());
    mallory = client(database.mallory());
    anon = new StorageClient(http, port, null);
    conversation = database.alice().talksTo(database.bob());
    chat = conversation + "/";
  }

  /** Where files are kept, by way of this disk. */
  ObjectStore store(FullDisk disk, FileCounts counts) throws IOException {
    return disk;
  }

  static FullDisk disk() {
    return disk;
  }

  static StorageEndpoint endpoint(ObjectStore store) {
    return new StorageEndpoint(
        records,
        store,
        new FileSettings(
            folder,
            0,
            Duration.ofDays(1),
            1_000_000,
            false,
            false,
            false,
            null,
            null,
            ThumbnailSettings.none(),
            null),
        counts,
        SECRET,
        tokens,
        RequestLimits.ample(),
        true,
        clock());
  }

  private static HttpService service(
      StorageEndpoint endpoint, TokenVerifier tokens, RequestBounds bounds) {
    HttpSettings settings =
        new HttpSettings(
            "127.0.0.1", 0, null, bounds, List.of(), Cors.all(), TrustedProxies.none(), null);
    return EchoService.of(vertx, settings, RequestLimits.ample(), tokens, endpoint, metrics);
  }

  private static Clock clock() {
    return new Clock() {
      @Override
      public ZoneOffset getZone() {
        return ZoneOffset.UTC;
      }

      @Override
      public Clock withZone(ZoneId zone) {
        return this;
      }

      @Override
      public Instant instant() {
        return NOW.get();
      }
    };
  }

  private static StorageClient client(Person person) {
    return new StorageClient(
        http, port, new TokenIssuer(SECRET).forUser(person.id(), Duration.ofHours(1)));
  }

  @AfterAll
  static void stop() throws Exception {
    service.close();
    strict.close();
    vertx.close().await(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    http.close();
    metrics.close();
    database.close();
  }

  @BeforeEach
  void clear() {
    database.asOwner("delete from public.chat_files");
    database.asOwner("update chat.file_removals set due_at = now()");
    sweeper.sweep();
  }

  @AfterEach
  void nothingIsLeftBeside() throws IOException {
    disk.fill(false);
    database.asOwner("update chat.settings set max_file_bytes = default, file_types = default");
    NOW.set(Instant.now());
    try (Stream<Path> there = Files.list(folder)) {
      assertEquals(
          List.of("incoming", "objects"),
          there.map(p -> p.getFileName().toString()).sorted().toList());
    }
  }

  /** The bytes of a whole file. */
  byte[] bytesOf(UUID id) throws IOException {
    return Files.readAllBytes(disk.path(id));
  }

  /** What the sweeper does when so much time has passed. */
  static void sweepLater(Duration later) {
    database.asOwner(
        "update public.chat_files set created_at = created_at - interval '%1$d s', updated_at = updated_at - interval '%1$d s'"
            .formatted(later.toSeconds()));
    NOW.updateAndGet(now -> now.plus(later));
    sweeper.sweep();
    database.asOwner("update chat.file_removals set due_at = now()");
    sweeper.sweep();
  }

  /** The files that have bytes, whole or not. */
  List<String> kept() throws IOException {
    try (Stream<Path> there = Files.walk(folder)) {
      return there.filter(Files::isRegularFile).map(p -> p.getFileName().toString()).toList();
    }
  }

  @Test
  void whatOneUploadsTheOtherReadsAndAStrangerDoesNot() {
    Answer stored = alice.upload(chat + "a/notes.txt", TEXT, "Content-Type", "text/plain");
    assertEquals(200, stored.status(), stored.text());
    assertEquals("attachments/" + chat + "a/notes.txt", stored.json().get("Key").asString());
    Answer read = bob.download(chat + "a/notes.txt");
    assertArrayEquals(TEXT, read.response().body());
    assertEquals("text/plain; charset=utf-8", read.header("Content-Type"));
    assertEquals("nosniff", read.header("X-Content-Type-Options"));
    assertEquals("default-src 'none'; sandbox", read.header("Content-Security-Policy"));
    assertEquals("inline; filename*=UTF-8''notes.txt", read.header("Content-Disposition"));
    assertEquals("private, max-age=3600", read.header("Cache-Control"));
    assertEquals("Authorization, apikey", read.header("Vary"));
    for (String address :
        List.of(
            "/object/attachments/",
            "/object/authenticated/attachments/",
            "/object/info/attachments/",
            "/object/public/attachments/")) {
      for (StorageClient stranger : List.of(mallory, anon, client(database.carol()))) {
        Answer no = stranger.get(address + chat + "a/notes.txt");
        assertEquals(400, no.status());
        assertTrue(List.of("404", "403").contains(no.refusal()), no.text());
      }
    }
    Answer nothing = mallory.download(chat + "a/nothing.txt");
    assertEquals(
        nothing.text(), mallory.download(chat + "a/notes.txt").text(), "they cannot tell apart");
    assertEquals(
        400,
        mallory
            .send("HEAD", "/object/attachments/" + chat + "a/notes.txt", BodyPublishers.noBody())
            .status());
    assertEquals(
        "[]",
        mallory.post("/object/list/attachments", "{\"prefix\":\"" + conversation + "\"}").text());
    assertEquals(
        "[]",
        mallory
            .send(
                "DELETE",
                "/object/attachments",
                BodyPublishers.ofString("{\"prefixes\":[\"" + chat + "a/notes.txt\"]}"))
            .text());
    assertEquals("403", mallory.upload(chat + "b.txt", TEXT).refusal());
    assertEquals("403", anon.upload(chat + "b.txt", TEXT).refusal());
    assertEquals(
        200, bob.download(chat + "a/notes.txt").status(), "the control: it is still there");
  }

  @Test
  void nothingIsReadOfTheUploadOfNobody() throws IOException {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      socket
          .getOutputStream()
          .write(
              ("POST /storage/v1/object/attachments/%sa.txt HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n"
                      .formatted(chat))
                  .getBytes(StandardCharsets.US_ASCII));
      String status =
          new BufferedReader(
                  new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))
              .readLine();
      assertEquals("HTTP/1.1 400 Bad Request", status);
    }
  }

  @Test
  void aFormHasFewFieldsBeforeItsFile() {
    String field = "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n";
    String file =
        "--b\r\nContent-Disposition: form-data; name=\"\"; filename=\"a\"\r\n\r\n1\r\n--b--\r\n";
    for (int fields : List.of(20, 21)) {
      Answer answer =
          alice.upload(
              chat + fields + ".txt",
              (field.repeat(fields) + file).getBytes(StandardCharsets.UTF_8),
              "Content-Type",
              "multipart/form-data; boundary=b");
      assertEquals(fields == 20 ? 200 : 400, answer.status(), answer.text());
    }
  }

  @Test
  void whatIsUnderLegalHoldIsOutOfReach() throws IOException {
    String id =
        alice
            .upload(chat + "a.txt", TEXT, "Content-Type", "text/plain")
            .json()
            .get("Id")
            .asString();
    database.asOwner(
        "select chat.place_hold('case 17', conversation_id => '%s')".formatted(conversation));
    try {
      alice.send("DELETE", "/object/attachments/" + chat + "a.txt", BodyPublishers.noBody());
      assertEquals("held", database.ownerReads("select state from public.chat_files"));
      StorageClient owner =
          new StorageClient(http, port, new TokenIssuer(SECRET).serviceKey(Duration.ofHours(1)));
      String address = "/upload/resumable/" + id;
      assertEquals(404, owner.tus("HEAD", address, new byte[0], Map.of()).status());
      assertEquals(
          404,
          owner
              .tus(
                  "PATCH", address, TEXT, Map.of("Upload-Offset", "0", "Content-Type", OFFSET_TYPE))
              .status());
      assertEquals(404, owner.tus("DELETE", address, new byte[0], Map.of()).status());
      sweeper.sweep();
      assertArrayEquals(TEXT, bytesOf(UUID.fromString(id)));
    } finally {
      database.asOwner(
          "select chat.release_hold(id) from chat.legal_holds where released_at is null");
    }
  }

  @Test
  void whoIsBlockedUploadsNothing() {
    database.bob().blocks(database.alice().id());
    try {
      assertEquals("403", alice.upload(chat + "a.txt", TEXT).refusal());
      Answer signed = alice.post("/object/upload/sign/attachments/" + chat + "a.txt", "{}");
      assertEquals("403", signed.refusal());
    } finally {
      database.bob().unblocks(database.alice().id());
    }
    assertEquals(200, alice.upload(chat + "a.txt", TEXT).status());
  }

  @Test
  void theInfoTellsWhatItIs() throws IOException {
    alice.upload(
        chat + "p.png",
        Pictures.png(30, 20),
        "Cache-Control",
        "max-age=60",
        "x-metadata",
        Base64.getEncoder().encodeToString("{\"by\":\"phone\"}".getBytes(StandardCharsets.UTF_8)));
    JsonNode info = bob.get("/object/info/attachments/" + chat + "p.png").json();
    assertEquals("image/png", info.get("content_type").asString());
    assertEquals("max-age=60", info.get("cache_control").asString());
    assertEquals(30, info.at("/metadata/width").asInt());
    assertEquals("phone", info.at("/metadata/by").asString());
    Answer head =
        bob.send("HEAD", "/object/attachments/" + chat + "p.png", BodyPublishers.noBody());
    assertEquals(info.get("size").asString(), head.header("Content-Length"));
    assertEquals(info.get("etag").asString(), head.header("ETag"));
    assertEquals("private, max-age=60", head.header("Cache-Control"));
  }

  @Test
  void partsAreRead() {
    alice.upload(chat + "a.txt", TEXT);
    Map.of(
            "bytes=0-3", "0123",
            "bytes=8-", "89",
            "bytes=-2", "89",
            "bytes=4-400", "456789")
        .forEach(
            (range, expected) -> {
              Answer part = bob.download(chat + "a.txt", "Range", range);
              assertEquals(206, part.status(), range);
              assertEquals(expected, part.text(), range);
              assertTrue(String.valueOf(part.header("Content-Range")).endsWith("/10"), range);
            });
    Answer beyond = bob.download(chat + "a.txt", "Range", "bytes=10-");
    assertEquals(416, beyond.status());
    assertEquals("bytes */10", beyond.header("Content-Range"));
    for (String ignored : List.of("bytes=0-1,3-4", "bytes=3-1", "lines=1-2")) {
      assertEquals(200, bob.download(chat + "a.txt", "Range", ignored).status(), ignored);
    }
    String tag = String.valueOf(bob.download(chat + "a.txt").header("ETag"));
    assertEquals(304, bob.download(chat + "a.txt", "If-None-Match", "\"x\", W/" + tag).status());
    assertEquals(206, bob.download(chat + "a.txt", "Range", "bytes=0-1", "If-Range", tag).status());
    assertEquals(
        200, bob.download(chat + "a.txt", "Range", "bytes=0-1", "If-Range", "\"x\"").status());
    assertEquals(304, bob.download(chat + "a.txt", "If-None-Match", tag).status());
  }

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

  static String signed(StorageClient who, String path) {
    return who.post("/object/sign/attachments/" + path, "{\"expiresIn\":60}")
        .json()
        .get("signedURL")
        .asString();
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

  @Test
  void aFileOfTheSameNameIsReplacedOnlyOnWish() throws IOException {
    alice.upload(chat + "a.txt", TEXT);
    Answer again = alice.upload(chat + "a.txt", TEXT);
    assertEquals("409", again.refusal());
    assertEquals("The resource already exists", again.json().get("message").asString());
    assertEquals(
        200,
        alice
            .upload(chat + "a.txt", "new".getBytes(StandardCharsets.UTF_8), "x-upsert", "true")
            .status());
    assertEquals("new", bob.download(chat + "a.txt").text());
    assertEquals(
        "409",
        client(database.bob()).upload(chat + "a.txt", TEXT, "x-upsert", "true").refusal(),
        "another's");
    sweeper.sweep();
    assertEquals(1, kept().size(), "the bytes of before are gone");
  }

  @Test
  void whatIsMovedAndRemovedIsSeenInTheList() throws IOException {
    alice.upload(chat + "d/a.txt", TEXT);
    alice.upload(chat + "b.txt", TEXT);
    assertEquals(
        200,
        alice
            .post(
                "/object/move",
                "{\"bucketId\":\"attachments\",\"sourceKey\":\"%sb.txt\",\"destinationKey\":\"%sc.txt\"}"
                    .formatted(chat, chat))
            .status());
    JsonNode listed = bob.post("/object/list/attachments", "{\"prefix\":\"" + chat + "\"}").json();
    assertEquals(List.of("c.txt", "d"), listed.findValuesAsString("name"));
    assertEquals(10, listed.at("/0/metadata/size").asInt());
    assertTrue(listed.at("/1/id").isNull(), "a folder");
    assertEquals(
        conversation.toString(),
        bob.post("/object/list/attachments", "{\"prefix\":\"\"}").json().at("/0/name").asString());
    JsonNode removed =
        alice
            .send(
                "DELETE",
                "/object/attachments",
                BodyPublishers.ofString(
                    "{\"prefixes\":[\"%sc.txt\",\"%sno.txt\"]}".formatted(chat, chat)))
            .json();
    assertEquals(List.of(chat + "c.txt"), removed.findValuesAsString("name"));
    assertEquals("404", bob.download(chat + "c.txt").refusal());
    sweeper.sweep();
    assertEquals(1, kept().size());
  }

  @Test
  void whatABrowserWouldRunIsADownload() {
    byte[] html = "<!doctype html><script>alert(1)</script>".getBytes(StandardCharsets.UTF_8);
    byte[] svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>".getBytes(StandardCharsets.UTF_8);
    for (byte[] active : List.of(html, svg)) {
      alice.upload(chat + "photo.png", active, "Content-Type", "image/png", "x-upsert", "true");
      Answer read = bob.download(chat + "photo.png");
      assertEquals("attachment; filename*=UTF-8''photo.png", read.header("Content-Disposition"));
      assertTrue(
          List.of("text/html; charset=utf-8", "image/svg+xml")
              .contains(read.header("Content-Type")));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "%2e%2e/%2e%2e/etc/passwd",
        "../../../../etc/passwd",
        "%5c..%5cwindows",
        "a%00b",
        "a//b",
        "a/./b",
        "%0d%0aSet-Cookie:x=1",
        "%20"
      })
  void noPathLeavesTheFolder(String name) throws IOException {
    Answer stored = alice.upload(chat + name, TEXT);
    assertTrue(List.of(400, 404).contains(stored.status()), stored.text());
    assertTrue(List.of(400, 404).contains(alice.download(chat + name).status()));
    assertEquals(List.of(), kept());
  }

  @Test
  void otherPathsAndBucketsAreNone() {
    assertEquals("400", alice.upload("no-uuid/a.txt", TEXT).refusal());
    assertEquals("403", alice.upload(UUID.randomUUID() + "/a.txt", TEXT).refusal());
    assertEquals("404", alice.get("/object/other/" + chat + "a.txt").refusal());
    assertEquals("404", alice.get("/object/authenticated/" + chat).refusal());
    assertEquals("404", alice.get("/nothing").refusal());
    assertEquals("attachments", alice.get("/bucket/attachments").json().get("id").asString());
    assertEquals("403", alice.post("/bucket", "{}").refusal());
    assertEquals("404", anon.get("/bucket/attachments").refusal());
  }

  @Test
  void tooLargeAndOfTheWrongTypeIsRefused() throws IOException {
    database.asOwner("update chat.settings set max_file_bytes = 9, file_types = array['image/*']");
    assertEquals("413", alice.upload(chat + "a.txt", TEXT).refusal());
    Answer unknown =
        alice.send(
            "POST",
            "/object/attachments/" + chat + "a.txt",
            BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(TEXT)));
    assertEquals("413", unknown.refusal(), "also without a length");
    assertEquals(
        "415",
        alice
            .upload(
                chat + "a.png",
                "text".getBytes(StandardCharsets.UTF_8),
                "Content-Type",
                "image/png")
            .refusal());
    database.asOwner("update chat.settings set max_file_bytes = default");
    assertEquals(200, alice.upload(chat + "a.png", Pictures.png(1000, 1000)).status());
    assertEquals(
        "413", alice.upload(chat + "b.png", Pictures.png(1001, 1000)).refusal(), "too many pixels");
    sweeper.sweep();
    assertEquals(1, kept().size());
  }

  @Test
  void aFullDiskIsToldAndNothingIsHalfThere() throws IOException {
    disk.fill(true);
    Answer full = alice.upload(chat + "a.txt", TEXT);
    assertEquals(507, full.status(), full.text());
    assertEquals("507", full.refusal());
    Answer created = create(chat + "b.txt", 10);
    assertEquals(507, patch(created, 0, TEXT).status());
    assertEquals(List.of(), kept());
    assertEquals("404", alice.download(chat + "a.txt").refusal());
    disk.fill(false);
    assertEquals(200, alice.upload(chat + "a.txt", TEXT).status(), "its name is free");
    assertEquals(204, patch(created, 0, TEXT).status(), "a resumable one goes on");
    assertEquals(200, bob.download(chat + "b.txt").status());
  }

  @Test
  void whoGoesAwayLeavesNothing() throws Exception {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      socket
          .getOutputStream()
          .write(
              ("POST /storage/v1/object/attachments/%sa.txt HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1000000\r\n\r\nbegun"
                      .formatted(chat, alice.token()))
                  .getBytes(StandardCharsets.US_ASCII));
      Await.until("the first bytes on the disk", () -> !kept().isEmpty());
    }
    Await.until("nothing on the disk", () -> kept().isEmpty());
    Await.until(
        "no row", () -> database.ownerReads("select count(*) from public.chat_files").equals("0"));
  }

  /** While the database is waited for, nobody reads the body, and the time is not the client's. */
  @Test
  void anUploadMayWaitForTheDatabaseLongerThanARequestForItself() throws Exception {
    StorageClient patient = new StorageClient(http, strictPort, alice.token());
    try (Connection other = database.owner().connect();
        Statement statement = other.createStatement();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      other.setAutoCommit(false);
      statement.execute(
          "select from public.user_conversations where id = '%s' for update"
              .formatted(conversation));
      Future<Answer> answer = threads.submit(() -> patient.upload(chat + "a.txt", TEXT));
      Await.until(
          "the upload waits for the conversation",
          () -> database.ownerReads("select count(*) from pg_locks where not granted").equals("1"));
      try (Socket silent = new Socket("127.0.0.1", strictPort)) {
        assertEquals(-1, silent.getInputStream().read(), "its time is over");
      }
      other.commit();
      assertEquals(200, answer.get().status());
    }
  }

  @Test
  void whatACrashInterruptedIsSwept() throws IOException {
    StoredFile begun = begun("a.txt", 10);
    write(begun, "begun");
    StoredFile whole = begun("b.txt", 10);
    try (IncomingFile file = store.write(whole.id())) {
      file.append(new ByteArrayInputStream(TEXT), 10);
      file.keep(); // and the crash comes before the database is told
    }
    assertEquals("404", bob.download(chat + "b.txt").refusal());
    sweeper.sweep();
    assertEquals(2, kept().size(), "the control: they may still go on");
    database.asOwner(
        "update public.chat_files set created_at = now() - interval '2 days', updated_at = now() - interval '2 days'");
    sweeper.sweep();
    database.asOwner("update chat.file_removals set due_at = now()");
    sweeper.sweep();
    assertEquals(List.of(), kept());
    assertEquals("0", database.ownerReads("select count(*) from chat.file_removals"));
  }

  @Test
  void whatWasNeverSentIsRemovedAfterADay() throws IOException {
    alice.upload(chat + "new.txt", TEXT);
    alice.upload(chat + "unsent.txt", TEXT);
    database.asOwner(
        "update public.chat_files set created_at = now() - interval '2 days', updated_at = now() - interval '2 days' where name = 'unsent.txt'");
    sweeper.sweep();
    assertEquals(1, kept().size());
    assertEquals(200, bob.download(chat + "new.txt").status());
  }

  private static StoredFile begun(String name, long size) {
    return records.begin(
        database.alice().caller(),
        new FileRecords.Wanted(conversation, name, size, null, UserMetadata.of(null, null), false));
  }

  private static void write(StoredFile file, String bytes) throws IOException {
    try (IncomingFile incoming = store.write(file.id())) {
      incoming.append(new ByteArrayInputStream(bytes.getBytes(StandardCharsets.UTF_8)), 1000);
    }
  }

  // Resumable uploads

  @Test
  void aResumableUploadGoesOnWhereItEnded() {
    Answer created = create(chat + "a.txt", 10);
    assertEquals(201, created.status(), created.text());
    assertEquals("0", state(created).header("Upload-Offset"));
    assertEquals("4", patch(created, 0, Arrays.copyOf(TEXT, 4)).header("Upload-Offset"));
    assertEquals(409, patch(created, 0, TEXT).status());
    assertEquals(409, patch(created, 5, TEXT).status());
    Answer state = state(created);
    assertEquals("4", state.header("Upload-Offset"));
    assertEquals("10", state.header("Upload-Length"));
    assertEquals("no-store", state.header("Cache-Control"));
    assertEquals("404", bob.download(chat + "a.txt").refusal(), "not whole yet");
    Answer last = patch(created, 4, Arrays.copyOfRange(TEXT, 4, 10));
    assertEquals(204, last.status(), last.text());
    assertEquals("10", last.header("Upload-Offset"));
    assertArrayEquals(TEXT, bob.download(chat + "a.txt").response().body());
    assertEquals("10", state(created).header("Upload-Offset"), "also when it is finished");
    assertEquals(204, patch(created, 10, new byte[0]).status());
    assertEquals(403, alice.tus("DELETE", address(created), new byte[0], Map.of()).status());
  }

  @Test
  void anUploadWhoseEndWasInterruptedIsFinishedBeforeItIsCalledWhole() throws IOException {
    Answer created = create(chat + "a.txt", 10);
    String id = String.valueOf(created.header("Location")).replaceFirst(".*/", "");
    try (IncomingFile file = store.write(UUID.fromString(id))) {
      file.append(new ByteArrayInputStream(TEXT), 10);
    }
    assertEquals("10", state(created).header("Upload-Offset"));
    assertArrayEquals(TEXT, bob.download(chat + "a.txt").response().body());
  }

  @Test
  void nobodyElseHasAPartInAnUpload() throws IOException {
    Answer created = create(chat + "a.txt", 10);
    patch(created, 0, Arrays.copyOf(TEXT, 4));
    for (StorageClient other : List.of(bob, mallory, anon)) {
      for (String method : List.of("HEAD", "PATCH", "DELETE")) {
        Answer no =
            other.tus(
                method,
                address(created),
                method.equals("PATCH") ? TEXT : new byte[0],
                method.equals("PATCH")
                    ? Map.of("Upload-Offset", "4", "Content-Type", OFFSET_TYPE)
                    : Map.of());
        assertTrue(List.of(403, 404).contains(no.status()), method + " " + no.status());
      }
    }
    assertEquals("4", state(created).header("Upload-Offset"));
    assertEquals(204, alice.tus("DELETE", address(created), new byte[0], Map.of()).status());
    assertEquals(404, state(created).status());
    assertEquals(List.of(), kept());
    assertEquals(
        403,
        mallory
            .tus("POST", "/upload/resumable", new byte[0], creation(chat + "a.txt", 10))
            .status());
  }

  @Test
  void onlyOneWritesAnUploadAtATime() throws IOException {
    Answer created = create(chat + "a.txt", 10);
    String id = String.valueOf(created.header("Location")).replaceFirst(".*/", "");
    try (IncomingFile other = store.write(UUID.fromString(id))) {
      assertEquals(423, patch(created, other.size(), TEXT).status());
      assertEquals(423, alice.tus("DELETE", address(created), new byte[0], Map.of()).status());
    }
    assertEquals(204, patch(created, 0, TEXT).status());
  }

  @Test
  void aBlockThatComesMeanwhileEndsAnUpload() throws IOException {
    Answer created = create(chat + "a.txt", 10);
    patch(created, 0, Arrays.copyOf(TEXT, 4));
    database.bob().blocks(database.alice().id());
    try {
      assertEquals(403, patch(created, 4, Arrays.copyOfRange(TEXT, 4, 10)).status());
    } finally {
      database.bob().unblocks(database.alice().id());
    }
    assertEquals(404, state(created).status());
    sweeper.sweep();
    assertEquals(List.of(), kept());
  }

  @Test
  void whatIsWholeIsNotWrittenAgain() throws IOException {
    Answer created = create(chat + "a.txt", 10);
    UUID id = UUID.fromString(String.valueOf(created.header("Location")).replaceFirst(".*/", ""));
    byte[] others = "abcdefghij".getBytes(StandardCharsets.UTF_8);
    try (IncomingFile file = store.write(id)) {
      file.append(new ByteArrayInputStream(TEXT), 10);
      file.keep();
      assertEquals(423, patch(created, 0, others).status(), "before the database is told");
      assertEquals(423, alice.tus("DELETE", address(created), new byte[0], Map.of()).status());
    }
    assertEquals(409, patch(created, 0, others).status());
    assertEquals(List.of(id.toString()), kept());
    assertEquals("10", state(created).header("Upload-Offset"));
    assertArrayEquals(TEXT, bob.download(chat + "a.txt").response().body());
    assertEquals(403, alice.tus("DELETE", address(created), new byte[0], Map.of()).status());
    assertArrayEquals(TEXT, bytesOf(id));
  }

  @Test
  void whatIsWholeAndGivenUpIsSwept() throws IOException {
    Answer created = create(chat + "a.txt", 10);
    String id = String.valueOf(created.header("Location")).replaceFirst(".*/", "");
    try (IncomingFile file = store.write(UUID.fromString(id))) {
      file.append(new ByteArrayInputStream(TEXT), 10);
      file.keep();
    }
    assertEquals(204, alice.tus("DELETE", address(created), new byte[0], Map.of()).status());
    assertEquals(404, state(created).status());
    sweeper.sweep();
    assertEquals(List.of(), kept());
  }

  @Test
  void anUploadThatIsNotResumableIsNotReachedByItsId() throws IOException {
    StoredFile begun =
        records.begin(
            database.alice().caller(),
            new FileRecords.Wanted(
                conversation, "a.txt", null, null, UserMetadata.of(null, null), false));
    for (String method : List.of("HEAD", "DELETE")) {
      Answer answer = alice.tus(method, "/upload/resumable/" + begun.id(), new byte[0], Map.of());
      assertEquals(404, answer.status(), method);
    }
    assertEquals(List.of(), kept());
  }

  @Test
  void whatIsNoTusIsRefused() {
    assertEquals(412, alice.post("/upload/resumable", "").status());
    Answer created = create(chat + "a.txt", 10);
    assertEquals(
        415,
        alice
            .tus(
                "PATCH",
                address(created),
                TEXT,
                Map.of("Upload-Offset", "0", "Content-Type", "text/plain"))
            .status());
    assertEquals(
        400,
        alice.tus("PATCH", address(created), TEXT, Map.of("Content-Type", OFFSET_TYPE)).status());
    assertEquals(413, patch(created, 0, new byte[11]).status(), "more than its length");
    assertEquals(
        400,
        alice
            .tus("POST", "/upload/resumable", new byte[0], Map.of("Upload-Length", "-1"))
            .status());
    assertEquals(
        404, alice.tus("HEAD", "/upload/resumable/nothing", new byte[0], Map.of()).status());
    Answer options = anon.send("OPTIONS", "/upload/resumable", BodyPublishers.noBody());
    assertEquals("1.0.0", options.header("Tus-Version"));
  }

  @Test
  void aResumableUploadMayBeSigned() {
    String token =
        alice
            .post("/object/upload/sign/attachments/" + chat + "a.txt", "{}")
            .json()
            .get("token")
            .asString();
    Map<String, String> creation = new HashMap<>(creation(chat + "a.txt", 10));
    creation.put("x-signature", token);
    Answer created = anon.tus("POST", "/upload/resumable/sign", new byte[0], creation);
    assertEquals(201, created.status(), created.text());
    Map<String, String> rest =
        Map.of("Upload-Offset", "0", "Content-Type", OFFSET_TYPE, "x-signature", token);
    assertEquals(204, anon.tus("PATCH", address(created), TEXT, rest).status());
    assertEquals(200, bob.download(chat + "a.txt").status());
    creation.put("Upload-Metadata", metadata(chat + "b.txt"));
    assertEquals(400, anon.tus("POST", "/upload/resumable/sign", new byte[0], creation).status());
  }

  private static Map<String, String> creation(String path, int length) {
    return Map.of("Upload-Length", String.valueOf(length), "Upload-Metadata", metadata(path));
  }

  private static String metadata(String path) {
    return "bucketName %s,objectName %s,contentType %s"
        .formatted(base64("attachments"), base64(path), base64("text/plain"));
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  static Answer create(String path, int length) {
    return alice.tus("POST", "/upload/resumable", new byte[0], creation(path, length));
  }

  private static String address(Answer created) {
    return String.valueOf(created.header("Location")).replaceFirst("^/storage/v1", "");
  }

  static Answer patch(Answer created, long offset, byte[] bytes) {
    return alice.tus(
        "PATCH",
        address(created),
        bytes,
        Map.of("Upload-Offset", String.valueOf(offset), "Content-Type", OFFSET_TYPE));
  }

  static Answer state(Answer created) {
    return alice.tus("HEAD", address(created), new byte[0], Map.of());
  }
}
