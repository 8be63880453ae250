package com.gptdesk.chat.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.model.Message;
import com.gptdesk.chat.model.MessageType;
import com.gptdesk.chat.service.files.Pictures;
import com.gptdesk.chat.service.files.ThumbnailSettings;
import com.gptdesk.chat.service.storage.FilesService;
import com.gptdesk.chat.testing.Person;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A backend sends files: the database by the library, the bytes by the service. */
class FileUploadsTest {
  private static final int MIB = 1 << 20;

  @TempDir private static Path folder;
  private static FilesService service;
  private static HttpClient http;
  private static FileUploads uploads;
  private static UserChat alice;
  private static UserChat bob;
  private static UserChat mallory;
  private static UUID conversation;

  @BeforeAll
  static void start() throws IOException {
    service =
        new FilesService(
            folder.resolve("files"),
            false,
            new ThumbnailSettings(List.of(40), 1, 128 * MIB, Duration.ofMinutes(1)),
            null);
    http = HttpClient.newHttpClient();
    uploads = uploadsTo(service.port);
    alice = chat(service.database.alice());
    bob = chat(service.database.bob());
    mallory = chat(service.database.mallory());
    conversation = alice.getOrCreateConversation(bob.userId());
  }

  private static FileUploads uploadsTo(int port) {
    return new FileUploads(URI.create("http://127.0.0.1:" + port), FilesService::token);
  }

  private static UserChat chat(Person person) {
    return new UserChat(new ChatDatabase(service.database.dataSource()), person.id());
  }

  @AfterAll
  static void stop() throws Exception {
    http.close();
    service.close();
  }

  private static Path file(String name, byte[] content) throws IOException {
    return Files.write(folder.resolve(name), content);
  }

  private static byte[] random(int bytes) {
    byte[] content = new byte[bytes];
    new Random(bytes).nextBytes(content);
    return content;
  }

  private static HttpResponse<byte[]> download(UserChat who, Message message) throws Exception {
    String path =
        Arrays.stream(String.valueOf(message.attachment().url()).split("/", -1))
            .map(part -> URLEncoder.encode(part, StandardCharsets.UTF_8))
            .collect(Collectors.joining("/"))
            .replace("+", "%20");
    return http.send(
        HttpRequest.newBuilder(
                URI.create(
                    "http://127.0.0.1:%d/storage/v1/object/attachments/%s"
                        .formatted(service.port, path)))
            .header("Authorization", "Bearer " + FilesService.token(who.userId()))
            .build(),
        BodyHandlers.ofByteArray());
  }

  @Test
  void aPictureAndAFileOf50MegabytesReachTheOtherAndNoStranger() throws Exception {
    byte[] picture = Pictures.png(300, 200);
    Message image = alice.sendFile(uploads, conversation, file("Größe 1.png", picture));
    assertEquals(MessageType.IMAGE, image.messageType());
    assertEquals("Größe 1.png", image.attachment().name());
    assertEquals(
        300, ((Number) ((Map<?, ?>) image.metadata().get("file")).get("width")).intValue());
    byte[] large = random(50 * MIB);
    Message sent =
        alice.sendFile(uploads, conversation, file("large.bin", large), "here", UUID.randomUUID());
    assertEquals(MessageType.FILE, sent.messageType());
    assertEquals("here", sent.content());
    assertEquals(50L * MIB, sent.attachment().size());
    assertArrayEquals(picture, download(bob, image).body());
    assertArrayEquals(large, download(bob, sent).body());
    for (Message each : List.of(image, sent)) {
      assertEquals(400, download(mallory, each).statusCode());
    }
    assertEquals(
        List.of(image.id(), sent.id()),
        bob.getMessages(conversation).stream()
            .map(Message::id)
            .filter(id -> id.equals(image.id()) || id.equals(sent.id()))
            .toList());
  }

  @Test
  void theSameIdSendsOnce() throws Exception {
    for (int size : List.of(10, 7 * MIB)) {
      Path file = file("once" + size, random(size));
      UUID id = UUID.randomUUID();
      Message first = alice.sendFile(uploads, conversation, file, "", id);
      Message again = alice.sendFile(uploads, conversation, file, "", id);
      assertEquals(first, again);
      String uploaded = uploads.upload(alice.userId(), conversation, size + "/b", file);
      assertEquals(uploaded, uploads.upload(alice.userId(), conversation, size + "/b", file));
    }
    assertEquals(
        "4",
        service.database.ownerReads(
            "select count(*) from public.chat_files where name ~ '/once|/b$'"));
    assertEquals(
        "2",
        service.database.ownerReads(
            "select count(*) from public.user_messages where file_name ~ '^once'"));
  }

  @Test
  void anUploadGoesOnAfterALostConnection() throws Exception {
    byte[] large = random(20 * MIB);
    try (Cut cut = new Cut(service.port, 15 * MIB)) {
      Message sent = alice.sendFile(uploadsTo(cut.port()), conversation, file("cut.bin", large));
      assertArrayEquals(large, download(bob, sent).body());
      assertTrue(cut.connections.get() > 1, "the connection was cut");
    }
    assertEquals(
        "1",
        service.database.ownerReads(
            "select count(*) from public.chat_files where name like '%cut.bin'"));
  }

  @Test
  void aRefusalTellsItsReason() throws Exception {
    Path file = file("no.txt", new byte[] {'a'});
    Refusal stranger =
        assertThrows(Refusal.class, () -> mallory.sendFile(uploads, conversation, file));
    assertEquals("PT403 no_conversation", stranger.code() + " " + stranger.details());
    assertEquals(Refusal.Reason.NOT_ALLOWED, stranger.reason());
    Path large = file("no.bin", random(7 * MIB));
    service.database.asOwner("update chat.settings set max_file_bytes = 6000000");
    try {
      Refusal tooLarge =
          assertThrows(Refusal.class, () -> alice.sendFile(uploads, conversation, large));
      assertEquals(Refusal.Reason.TOO_LONG, tooLarge.reason());
    } finally {
      service.database.asOwner("update chat.settings set max_file_bytes = default");
    }
    assertThrows(
        UncheckedIOException.class,
        () -> alice.sendFile(uploads, conversation, folder.resolve("none")));
    try (Socket taken = new Socket()) { // so that nobody else listens there
      taken.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      FileUploads nobody = uploadsTo(taken.getLocalPort());
      assertThrows(ServiceUnavailable.class, () -> alice.sendFile(nobody, conversation, file));
    }
  }

  /** Passes connections on, and cuts the first one after so many bytes. */
  private static final class Cut implements AutoCloseable {
    final AtomicInteger connections = new AtomicInteger();
    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final int target;
    private final long most;

    Cut(int target, long most) throws IOException {
      this.target = target;
      this.most = most;
      Thread.ofVirtual().start(this::serve);
    }

    int port() {
      return server.getLocalPort();
    }

    private void serve() {
      try {
        while (true) {
          Socket client = server.accept();
          Socket there = new Socket(InetAddress.getLoopbackAddress(), target);
          long bytes = connections.incrementAndGet() == 1 ? most : Long.MAX_VALUE;
          Thread.ofVirtual().start(() -> pass(client, there, bytes));
          Thread.ofVirtual().start(() -> pass(there, client, Long.MAX_VALUE));
        }
      } catch (IOException e) {
        // It was closed.
      }
    }

    private static void pass(Socket from, Socket to, long most) {
      try (from;
          to) {
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream();
        byte[] buffer = new byte[8192];
        long passed = 0;
        for (int read = in.read(buffer); read >= 0 && passed < most; read = in.read(buffer)) {
          out.write(buffer, 0, read);
          passed += read;
        }
      } catch (IOException e) {
        // Either has gone.
      }
    }

    @Override
    public void close() throws IOException {
      server.close();
    }
  }
}
