package example;

import com.gptdesk.chat.client.LiveChanges;
import com.gptdesk.chat.client.LiveEvent;
import com.gptdesk.chat.client.LiveSubscription;
import com.gptdesk.chat.client.UserChat;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.Refusal;
import java.io.IOException;
import java.util.UUID;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/** Who asks comes from your sign-in; here, from a header that anybody may set. */
@RestController
class ShopController {

  private final Orders orders;
  private final ChatDatabase chat;
  private final LiveChanges live;

  ShopController(Orders orders, ChatDatabase chat, LiveChanges live) {
    this.orders = orders;
    this.chat = chat;
    this.live = live;
  }

  @PostMapping("/orders")
  String order(
      @RequestHeader("X-User") UUID buyer, @RequestParam UUID seller, @RequestParam String item) {
    return orders.place(buyer, seller, item).content();
  }

  /** The messages that this user may read, as they come. */
  @GetMapping("/messages")
  SseEmitter messages(@RequestHeader("X-User") UUID user) {
    SseEmitter emitter = new SseEmitter(0L);
    LiveSubscription listening =
        new UserChat(chat, user).subscribe(live, event -> tell(emitter, event));
    emitter.onCompletion(listening::close);
    return emitter;
  }

  private static void tell(SseEmitter emitter, LiveEvent event) {
    try {
      if (event instanceof LiveEvent.Resync) {
        emitter.send("listening");
      } else if (event instanceof LiveEvent.Changed change
          && change.table().equals("user_messages")) {
        emitter.send(String.valueOf(change.row().get("content")));
      }
    } catch (IOException e) {
      emitter.completeWithError(e);
    }
  }

  @ExceptionHandler
  ResponseEntity<String> refused(Refusal no) {
    int status =
        switch (no.reason()) {
          case NOT_ALLOWED -> 403;
          case NOT_FOUND -> 404;
          default -> 422;
        };
    return ResponseEntity.status(status).body(no.getMessage());
  }

  @ExceptionHandler
  ResponseEntity<String> noSuchItem(DataIntegrityViolationException no) {
    return ResponseEntity.status(422).body("No such item");
  }
}
