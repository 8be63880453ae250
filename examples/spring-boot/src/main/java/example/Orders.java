package example;

import com.gptdesk.chat.client.UserChat;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.model.Message;
import java.util.UUID;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/** An order, and the message about it. */
@Service
public class Orders {

  private final JdbcClient sql;
  private final ChatDatabase chat;

  Orders(JdbcClient sql, ChatDatabase chat) {
    this.sql = sql;
    this.chat = chat;
  }

  /** Both are stored, or neither. */
  @Transactional
  public Message place(UUID buyerId, UUID sellerId, String item) {
    UserChat buyer = new UserChat(chat, buyerId);
    UUID conversation = buyer.getOrCreateConversation(sellerId);
    Message message = buyer.sendMessage(conversation, "I have ordered: " + item);
    sql.sql("insert into public.orders (buyer_id, item) values (?, ?)")
        .params(buyerId, item)
        .update();
    return message;
  }
}
