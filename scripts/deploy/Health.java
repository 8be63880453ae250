import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

/** The image's health check, since a slim base has no curl: ends with 0 when the service is ready. */
public final class Health {
  private Health() {}

  public static void main(String[] arguments) throws Exception {
    String port = System.getenv().getOrDefault("CHAT_PORT", "8080");
    var answer =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/health/ready"))
                    .timeout(Duration.ofSeconds(4))
                    .build(),
                BodyHandlers.ofString());
    System.out.println(answer.body());
    System.exit(answer.statusCode() == 200 ? 0 : 1);
  }
}
