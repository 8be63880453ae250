package com.gptdesk.chat.service.storage;

import com.gptdesk.chat.testing.Await;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Somebody who asks for files over a real socket.
 *
 * @param token null for nobody
 */
record StorageClient(HttpClient http, int port, @Nullable String token) {
  private static final JsonMapper JSON = JsonMapper.shared();

  /** An answer, whose body may be bytes. */
  record Answer(HttpResponse<byte[]> response) {
    int status() {
      return response.statusCode();
    }

    String text() {
      return new String(response.body(), StandardCharsets.UTF_8);
    }

    JsonNode json() {
      return JSON.readTree(response.body());
    }

    @Nullable String header(String name) {
      return response.headers().firstValue(name).orElse(null);
    }

    /** The status in the body of a refusal, as clients of Supabase read it. */
    String refusal() {
      return json().path("statusCode").asString();
    }
  }

  Answer upload(String path, byte[] content, String... headers) {
    return send(
        "POST", "/object/attachments/" + path, BodyPublishers.ofByteArray(content), headers);
  }

  Answer download(String path, String... headers) {
    return get("/object/attachments/" + path, headers);
  }

  Answer get(String address, String... headers) {
    return send("GET", address, BodyPublishers.noBody(), headers);
  }

  Answer post(String address, String json, String... headers) {
    return send("POST", address, BodyPublishers.ofString(json), headers);
  }

  /**
   * @param address below /storage/v1
   * @param headers names and values in turn
   */
  Answer send(String method, String address, BodyPublisher body, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/storage/v1" + address))
            .timeout(Await.PATIENCE)
            .method(method, body);
    if (token != null) {
      request.header("Authorization", "Bearer " + token);
    }
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    try {
      return new Answer(http.send(request.build(), BodyHandlers.ofByteArray()));
    } catch (IOException e) {
      throw new IllegalStateException(method + " " + address + " failed", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** A request of a resumable upload. */
  Answer tus(String method, String address, byte[] body, Map<String, String> headers) {
    String[] pairs = new String[2 * headers.size() + 2];
    pairs[0] = "Tus-Resumable";
    pairs[1] = "1.0.0";
    int next = 2;
    for (Map.Entry<String, String> header : headers.entrySet()) {
      pairs[next++] = header.getKey();
      pairs[next++] = header.getValue();
    }
    return send(
        method,
        address,
        body.length == 0 ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body),
        pairs);
  }
}
