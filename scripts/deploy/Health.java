import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.cert.X509Certificate;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/** The image's health check, since a slim base has no curl: ends with 0 when the service is ready. */
public final class Health {
  private Health() {}

  public static void main(String[] arguments) throws Exception {
    String port = System.getenv().getOrDefault("CHAT_PORT", "8080");
    boolean tls = !System.getenv().getOrDefault("CHAT_TLS_CERTIFICATE", "").isBlank();
    HttpClient.Builder client = HttpClient.newBuilder();
    if (tls) {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {new Anybody()}, null);
      client.sslContext(context);
    }
    String address = (tls ? "https" : "http") + "://127.0.0.1:" + port + "/health/ready";
    var answer =
        client
            .build()
            .send(
                HttpRequest.newBuilder(URI.create(address))
                    .timeout(Duration.ofSeconds(4))
                    .build(),
                BodyHandlers.ofString());
    System.out.println(answer.body());
    System.exit(answer.statusCode() == 200 ? 0 : 1);
  }
  /** Asks the neighbour in its own container, whose certificate is for the world's name of it. */
  private static final class Anybody extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
