/* The words of questions, by language; the plural of days, and how a date is written. */
#include "base/attr.h"
#include "model/question.h"

const char *const fl_say_names[FL_SAYS] = {"subject", "reminder", "hello", "ask",      "how",
                                           "safe",    "again",    "title", "question", "yes",
                                           "no",      "days",     "more",  "name",     "share",
                                           "send",    "thanks",   "until", "expired",  "exercise"};

static const char *const months_en[12] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
static const char *const months_de[12] = {"Januar",    "Februar", "März",     "April",
                                          "Mai",       "Juni",    "Juli",     "August",
                                          "September", "Oktober", "November", "Dezember"};
static const char *const months_es[12] = {"enero",      "febrero", "marzo",     "abril",
                                          "mayo",       "junio",   "julio",     "agosto",
                                          "septiembre", "octubre", "noviembre", "diciembre"};
static const char *const months_pl[12] = {"stycznia", "lutego",       "marca",     "kwietnia",
                                          "maja",     "czerwca",      "lipca",     "sierpnia",
                                          "września", "października", "listopada", "grudnia"};
static const char *const months_th[12] = {"มกราคม",  "กุมภาพันธ์", "มีนาคม",    "เมษายน",
                                          "พฤษภาคม", "มิถุนายน",  "กรกฎาคม",  "สิงหาคม",
                                          "กันยายน",  "ตุลาคม",   "พฤศจิกายน", "ธันวาคม"};

/* NOLINTBEGIN(bugprone-suspicious-missing-comma): long texts go over several lines */
const struct fl_language fl_languages[] = {
    {.code = "en",
     .name = "English",
     .date = "{d} {m} {y}, {t}",
     .month = months_en,
     .day = {"{n} day", "{n} days"},
     .say = {[FL_SAY_SUBJECT] = "{customer} asks: is {site} affected? {event}",
             [FL_SAY_REMINDER] = "Reminder from {customer}: is {site} affected? {event}",
             [FL_SAY_HELLO] = "Dear {name},",
             [FL_SAY_ASK] =
                 "{customer} buys from you and needs to know whether your site {site} is "
                 "affected by this event: {event}.",
             [FL_SAY_HOW] = "Please answer by {due} with this link. It takes a minute and needs no "
                            "account:",
             [FL_SAY_SAFE] = "Opening the link answers nothing; you answer with the button on the "
                             "page. It works until {expires}.",
             [FL_SAY_AGAIN] = "We asked you on {asked} and have no answer yet.",
             [FL_SAY_TITLE] = "Is your site affected?",
             [FL_SAY_QUESTION] = "Is production or delivery at {site} affected?",
             [FL_SAY_YES] = "Yes, it is affected",
             [FL_SAY_NO] = "No, it is not affected",
             [FL_SAY_DAYS] = "How many days until deliveries are back to normal?",
             [FL_SAY_MORE] = "Anything else we should know (optional)",
             [FL_SAY_NAME] = "Your name",
             [FL_SAY_SHARE] = "Give the same answer to these customers as well",
             [FL_SAY_SEND] = "Send the answer",
             [FL_SAY_THANKS] = "Thank you. The answer was sent on {answered}.",
             [FL_SAY_UNTIL] = "Please answer by {due}.",
             [FL_SAY_EXPIRED] = "This link is no longer valid. Please ask your customer for a new "
                                "one.",
             [FL_SAY_EXERCISE] = "EXERCISE: this is a drill, nothing has happened."}},
    {.code = "de",
     .name = "Deutsch",
     .date = "{d}. {m} {y}, {t}",
     .month = months_de,
     .day = {"{n} Tag", "{n} Tage"},
     .say = {[FL_SAY_SUBJECT] = "{customer} fragt: Ist {site} betroffen? {event}",
             [FL_SAY_REMINDER] = "Erinnerung von {customer}: Ist {site} betroffen? {event}",
             [FL_SAY_HELLO] = "Guten Tag {name},",
             [FL_SAY_ASK] = "{customer} bezieht Teile von Ihnen und muss wissen, ob Ihr Standort "
                            "{site} von diesem Ereignis betroffen ist: {event}.",
             [FL_SAY_HOW] = "Bitte antworten Sie bis zum {due} über diesen Link. Das dauert eine "
                            "Minute, ein Konto ist nicht nötig:",
             [FL_SAY_SAFE] = "Das Öffnen des Links beantwortet nichts; geantwortet wird mit der "
                             "Schaltfläche auf der Seite. Er gilt bis zum {expires}.",
             [FL_SAY_AGAIN] = "Wir haben Sie am {asked} gefragt und noch keine Antwort erhalten.",
             [FL_SAY_TITLE] = "Ist Ihr Standort betroffen?",
             [FL_SAY_QUESTION] = "Sind Produktion oder Lieferung am Standort {site} betroffen?",
             [FL_SAY_YES] = "Ja, der Standort ist betroffen",
             [FL_SAY_NO] = "Nein, er ist nicht betroffen",
             [FL_SAY_DAYS] = "In wie vielen Tagen liefern Sie wieder normal?",
             [FL_SAY_MORE] = "Was wir sonst noch wissen sollten (freiwillig)",
             [FL_SAY_NAME] = "Ihr Name",
             [FL_SAY_SHARE] = "Dieselbe Antwort auch diesen Kunden geben",
             [FL_SAY_SEND] = "Antwort senden",
             [FL_SAY_THANKS] = "Vielen Dank. Die Antwort wurde am {answered} gesendet.",
             [FL_SAY_UNTIL] = "Bitte antworten Sie bis zum {due}.",
             [FL_SAY_EXPIRED] = "Dieser Link gilt nicht mehr. Bitte lassen Sie sich von Ihrem "
                                "Kunden einen neuen geben.",
             [FL_SAY_EXERCISE] = "ÜBUNG: Dies ist eine Übung, es ist nichts geschehen."}},
    {.code = "ja",
     .name = "日本語",
     .date = "{y}年{m}月{d}日 {t}",
     .day = {"{n}日"},
     .say = {[FL_SAY_SUBJECT] = "【{customer}】{site}への影響の確認: {event}",
             [FL_SAY_REMINDER] = "【再送・{customer}】{site}への影響の確認: {event}",
             [FL_SAY_HELLO] = "{name} 様",
             [FL_SAY_ASK] =
                 "貴社とお取引のある{customer}が、次の事象による貴社拠点「{site}」への影響"
                 "の有無を確認しております: {event}",
             [FL_SAY_HOW] = "{due}までに、次のリンクからご回答ください。所要時間は1分ほどで、"
                            "アカウントは不要です。",
             [FL_SAY_SAFE] =
                 "リンクを開くだけでは回答になりません。ページのボタンを押すと送信されま"
                 "す。リンクの有効期限は{expires}です。",
             [FL_SAY_AGAIN] = "{asked}にお尋ねしましたが、まだご回答をいただいておりません。",
             [FL_SAY_TITLE] = "貴社拠点に影響はありますか",
             [FL_SAY_QUESTION] = "{site}の生産または出荷に影響はありますか。",
             [FL_SAY_YES] = "はい、影響があります",
             [FL_SAY_NO] = "いいえ、影響はありません",
             [FL_SAY_DAYS] = "通常の出荷に戻るまでの日数",
             [FL_SAY_MORE] = "その他のご連絡事項(任意)",
             [FL_SAY_NAME] = "お名前",
             [FL_SAY_SHARE] = "次のお客様にも同じ回答を送る",
             [FL_SAY_SEND] = "回答を送信する",
             [FL_SAY_THANKS] = "ご回答ありがとうございました。{answered}に送信されました。",
             [FL_SAY_UNTIL] = "{due}までにご回答ください。",
             [FL_SAY_EXPIRED] = "このリンクは無効です。お取引先に新しいリンクをお求めください。",
             [FL_SAY_EXERCISE] = "【訓練】これは訓練です。実際の事象ではありません。"}},
    {.code = "zh",
     .name = "中文",
     .date = "{y}年{m}月{d}日 {t}",
     .day = {"{n}天"},
     .say = {[FL_SAY_SUBJECT] = "{customer}询问：{site}是否受到影响？{event}",
             [FL_SAY_REMINDER] = "{customer}提醒：{site}是否受到影响？{event}",
             [FL_SAY_HELLO] = "{name}，您好：",
             [FL_SAY_ASK] =
                 "贵公司的客户{customer}需要了解贵公司的工厂“{site}”是否受到以下事件的影响："
                 "{event}。",
             [FL_SAY_HOW] = "请于{due}之前通过以下链接答复。只需一分钟，无需注册账号：",
             [FL_SAY_SAFE] =
                 "仅打开链接不会提交答复，点击页面上的按钮才会提交。链接有效期至{expires}。",
             [FL_SAY_AGAIN] = "我们曾于{asked}向您询问，目前尚未收到答复。",
             [FL_SAY_TITLE] = "贵公司的工厂是否受到影响？",
             [FL_SAY_QUESTION] = "{site}的生产或交货是否受到影响？",
             [FL_SAY_YES] = "是，受到影响",
             [FL_SAY_NO] = "否，没有影响",
             [FL_SAY_DAYS] = "多少天后可恢复正常交货？",
             [FL_SAY_MORE] = "其他需要说明的情况（选填）",
             [FL_SAY_NAME] = "您的姓名",
             [FL_SAY_SHARE] = "将同一答复也发送给以下客户",
             [FL_SAY_SEND] = "提交答复",
             [FL_SAY_THANKS] = "谢谢！答复已于{answered}提交。",
             [FL_SAY_UNTIL] = "请于{due}之前答复。",
             [FL_SAY_EXPIRED] = "此链接已失效，请向您的客户索取新的链接。",
             [FL_SAY_EXERCISE] = "演练：这是一次演练，并未发生实际事件。"}},
    {.code = "ko",
     .name = "한국어",
     .date = "{y}년 {m}월 {d}일 {t}",
     .day = {"{n}일"},
     .say = {[FL_SAY_SUBJECT] = "[{customer}] {site} 피해 여부 확인 요청: {event}",
             [FL_SAY_REMINDER] = "[{customer}] 재요청 - {site} 피해 여부 확인: {event}",
             [FL_SAY_HELLO] = "{name} 님께",
             [FL_SAY_ASK] =
                 "귀사의 고객사 {customer}에서 다음 사건이 귀사 사업장 '{site}'에 영향을 "
                 "주었는지 확인하고자 합니다: {event}",
             [FL_SAY_HOW] = "{due}까지 아래 링크로 답변해 주시기 바랍니다. 1분이면 충분하며 계정은 "
                            "필요하지 않습니다.",
             [FL_SAY_SAFE] =
                 "링크를 여는 것만으로는 답변이 제출되지 않으며, 페이지의 버튼을 눌러야 "
                 "제출됩니다. 링크 유효 기한: {expires}",
             [FL_SAY_AGAIN] = "{asked}에 문의드렸으나 아직 답변을 받지 못했습니다.",
             [FL_SAY_TITLE] = "귀사 사업장에 영향이 있습니까?",
             [FL_SAY_QUESTION] = "{site}의 생산 또는 납품에 영향이 있습니까?",
             [FL_SAY_YES] = "예, 영향이 있습니다",
             [FL_SAY_NO] = "아니요, 영향이 없습니다",
             [FL_SAY_DAYS] = "정상 납품까지 며칠이 걸립니까?",
             [FL_SAY_MORE] = "기타 전달 사항(선택)",
             [FL_SAY_NAME] = "성함",
             [FL_SAY_SHARE] = "다음 고객사에도 같은 답변 보내기",
             [FL_SAY_SEND] = "답변 보내기",
             [FL_SAY_THANKS] = "감사합니다. 답변이 {answered}에 제출되었습니다.",
             [FL_SAY_UNTIL] = "{due}까지 답변해 주십시오.",
             [FL_SAY_EXPIRED] = "이 링크는 더 이상 유효하지 않습니다. 고객사에 새 링크를 요청해 "
                                "주십시오.",
             [FL_SAY_EXERCISE] = "훈련: 이것은 훈련이며 실제 사건이 아닙니다."}},
    {.code = "es",
     .name = "Español",
     .date = "{d} de {m} de {y}, {t}",
     .month = months_es,
     .day = {"{n} día", "{n} días"},
     .say = {[FL_SAY_SUBJECT] = "{customer} pregunta: ¿está afectada la planta {site}? {event}",
             [FL_SAY_REMINDER] = "Recordatorio de {customer}: ¿está afectada la planta {site}? "
                                 "{event}",
             [FL_SAY_HELLO] = "Hola, {name}:",
             [FL_SAY_ASK] =
                 "{customer} es cliente de su empresa y necesita saber si su planta {site} "
                 "está afectada por este suceso: {event}.",
             [FL_SAY_HOW] = "Le rogamos que responda antes del {due} con este enlace. Se tarda un "
                            "minuto y no hace falta tener una cuenta:",
             [FL_SAY_SAFE] = "Abrir el enlace no responde nada; se responde con el botón de la "
                             "página. Es válido hasta el {expires}.",
             [FL_SAY_AGAIN] = "Le preguntamos el {asked} y aún no tenemos respuesta.",
             [FL_SAY_TITLE] = "¿Está afectada su planta?",
             [FL_SAY_QUESTION] = "¿Están afectadas la producción o las entregas de {site}?",
             [FL_SAY_YES] = "Sí, está afectada",
             [FL_SAY_NO] = "No, no está afectada",
             [FL_SAY_DAYS] = "¿Cuántos días faltan para que las entregas sean normales?",
             [FL_SAY_MORE] = "Algo más que debamos saber (opcional)",
             [FL_SAY_NAME] = "Su nombre",
             [FL_SAY_SHARE] = "Dar la misma respuesta también a estos clientes",
             [FL_SAY_SEND] = "Enviar la respuesta",
             [FL_SAY_THANKS] = "Gracias. La respuesta se envió el {answered}.",
             [FL_SAY_UNTIL] = "Le rogamos que responda antes del {due}.",
             [FL_SAY_EXPIRED] = "Este enlace ya no es válido. Pida uno nuevo a su cliente.",
             [FL_SAY_EXERCISE] = "SIMULACRO: esto es un ejercicio, no ha ocurrido nada."}},
    {.code = "pl",
     .name = "Polski",
     .date = "{d} {m} {y}, {t}",
     .month = months_pl,
     .day = {"{n} dzień", "{n} dni", "{n} dni"},
     .say = {[FL_SAY_SUBJECT] = "{customer} pyta: czy zdarzenie dotknęło zakład {site}? {event}",
             [FL_SAY_REMINDER] =
                 "Przypomnienie od {customer}: czy zdarzenie dotknęło zakład {site}? "
                 "{event}",
             [FL_SAY_HELLO] = "Dzień dobry, {name},",
             [FL_SAY_ASK] = "{customer} jest Państwa klientem i chce wiedzieć, czy Państwa zakład "
                            "{site} ucierpiał wskutek tego zdarzenia: {event}.",
             [FL_SAY_HOW] = "Prosimy o odpowiedź do {due} pod tym adresem. Zajmie to minutę, konto "
                            "nie jest potrzebne:",
             [FL_SAY_SAFE] =
                 "Samo otwarcie adresu niczego nie wysyła; odpowiedź wysyła przycisk na "
                 "stronie. Adres działa do {expires}.",
             [FL_SAY_AGAIN] = "Pytaliśmy {asked} i nie mamy jeszcze odpowiedzi.",
             [FL_SAY_TITLE] = "Czy Państwa zakład ucierpiał?",
             [FL_SAY_QUESTION] = "Czy produkcja lub dostawy w zakładzie {site} są zakłócone?",
             [FL_SAY_YES] = "Tak, są zakłócone",
             [FL_SAY_NO] = "Nie, nie są zakłócone",
             [FL_SAY_DAYS] = "Za ile dni dostawy wrócą do normy?",
             [FL_SAY_MORE] = "Inne ważne informacje (nieobowiązkowo)",
             [FL_SAY_NAME] = "Imię i nazwisko",
             [FL_SAY_SHARE] = "Przekaż tę samą odpowiedź także tym klientom",
             [FL_SAY_SEND] = "Wyślij odpowiedź",
             [FL_SAY_THANKS] = "Dziękujemy. Odpowiedź wysłano {answered}.",
             [FL_SAY_UNTIL] = "Prosimy o odpowiedź do {due}.",
             [FL_SAY_EXPIRED] = "Ten adres już nie działa. Prosimy poprosić klienta o nowy.",
             [FL_SAY_EXERCISE] = "ĆWICZENIA: to tylko ćwiczenia, nic się nie stało."}},
    {.code = "th",
     .name = "ไทย",
     .date = "{d} {m} ค.ศ. {y} เวลา {t}",
     .month = months_th,
     .day = {"{n} วัน"},
     .say = {[FL_SAY_SUBJECT] = "{customer} สอบถาม: {site} ได้รับผลกระทบหรือไม่ - {event}",
             [FL_SAY_REMINDER] = "แจ้งเตือนจาก {customer}: {site} ได้รับผลกระทบหรือไม่ - {event}",
             [FL_SAY_HELLO] = "เรียน {name}",
             [FL_SAY_ASK] = "{customer} ซึ่งเป็นลูกค้าของท่าน ต้องการทราบว่าสถานที่ {site} ของท่าน"
                            "ได้รับผลกระทบจากเหตุการณ์นี้หรือไม่: {event}",
             [FL_SAY_HOW] = "โปรดตอบภายใน {due} ผ่านลิงก์นี้ ใช้เวลาเพียงหนึ่งนาทีและไม่ต้องมีบัญชี:",
             [FL_SAY_SAFE] = "การเปิดลิงก์ยังไม่ถือเป็นการตอบ คำตอบจะถูกส่งเมื่อกดปุ่มในหน้าเว็บ "
                             "ลิงก์ใช้ได้ถึง {expires}",
             [FL_SAY_AGAIN] = "เราได้สอบถามท่านเมื่อ {asked} และยังไม่ได้รับคำตอบ",
             [FL_SAY_TITLE] = "สถานที่ของท่านได้รับผลกระทบหรือไม่",
             [FL_SAY_QUESTION] = "การผลิตหรือการส่งมอบที่ {site} ได้รับผลกระทบหรือไม่",
             [FL_SAY_YES] = "ใช่ ได้รับผลกระทบ",
             [FL_SAY_NO] = "ไม่ ไม่ได้รับผลกระทบ",
             [FL_SAY_DAYS] = "อีกกี่วันการส่งมอบจะกลับสู่ปกติ",
             [FL_SAY_MORE] = "ข้อมูลอื่นที่เราควรทราบ (ไม่บังคับ)",
             [FL_SAY_NAME] = "ชื่อของท่าน",
             [FL_SAY_SHARE] = "ส่งคำตอบเดียวกันให้ลูกค้าเหล่านี้ด้วย",
             [FL_SAY_SEND] = "ส่งคำตอบ",
             [FL_SAY_THANKS] = "ขอบคุณ คำตอบถูกส่งแล้วเมื่อ {answered}",
             [FL_SAY_UNTIL] = "โปรดตอบภายใน {due}",
             [FL_SAY_EXPIRED] = "ลิงก์นี้ใช้ไม่ได้แล้ว โปรดขอลิงก์ใหม่จากลูกค้าของท่าน",
             [FL_SAY_EXERCISE] = "การซ้อม: นี่เป็นเพียงการซ้อม ไม่มีเหตุการณ์เกิดขึ้นจริง"}},
    {.code = "vi",
     .name = "Tiếng Việt",
     .date = "{t}, ngày {d} tháng {m} năm {y}",
     .day = {"{n} ngày"},
     .say =
         {[FL_SAY_SUBJECT] = "{customer} hỏi: cơ sở {site} có bị ảnh hưởng không? {event}",
          [FL_SAY_REMINDER] = "{customer} nhắc lại: cơ sở {site} có bị ảnh hưởng không? {event}",
          [FL_SAY_HELLO] = "Kính gửi {name},",
          [FL_SAY_ASK] =
              "{customer} là khách hàng của quý công ty và cần biết cơ sở {site} của quý "
              "công ty có bị ảnh hưởng bởi sự kiện này không: {event}.",
          [FL_SAY_HOW] = "Xin vui lòng trả lời trước {due} qua liên kết sau. Chỉ mất một phút và "
                         "không cần tài khoản:",
          [FL_SAY_SAFE] = "Mở liên kết chưa phải là trả lời; câu trả lời chỉ được gửi khi bấm nút "
                          "trên trang. Liên kết có hiệu lực đến {expires}.",
          [FL_SAY_AGAIN] = "Chúng tôi đã hỏi vào {asked} và chưa nhận được câu trả lời.",
          [FL_SAY_TITLE] = "Cơ sở của quý công ty có bị ảnh hưởng không?",
          [FL_SAY_QUESTION] = "Sản xuất hoặc giao hàng tại {site} có bị ảnh hưởng không?",
          [FL_SAY_YES] = "Có, bị ảnh hưởng",
          [FL_SAY_NO] = "Không, không bị ảnh hưởng",
          [FL_SAY_DAYS] = "Bao nhiêu ngày nữa việc giao hàng trở lại bình thường?",
          [FL_SAY_MORE] = "Thông tin khác chúng tôi nên biết (không bắt buộc)",
          [FL_SAY_NAME] = "Tên của quý vị",
          [FL_SAY_SHARE] = "Gửi cùng câu trả lời này cho các khách hàng sau",
          [FL_SAY_SEND] = "Gửi câu trả lời",
          [FL_SAY_THANKS] = "Xin cảm ơn. Câu trả lời đã được gửi vào {answered}.",
          [FL_SAY_UNTIL] = "Xin vui lòng trả lời trước {due}.",
          [FL_SAY_EXPIRED] = "Liên kết này không còn hiệu lực. Xin hỏi khách hàng để có liên kết "
                             "mới.",
          [FL_SAY_EXERCISE] = "DIỄN TẬP: đây chỉ là diễn tập, không có sự việc nào xảy ra."}},
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */
const size_t fl_languages_count = FL_LEN(fl_languages);
