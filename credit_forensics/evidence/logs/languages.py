"""Words of a log in Italian, Dutch, Polish, Russian, Scandinavian, Turkish, Chinese and Japanese.

``wordings`` has English, German, French, Spanish and Portuguese; these are put beside them.
Chinese and Japanese part no words, so theirs are looked for wherever they stand.
"""

from __future__ import annotations

import re

WHO = (
    r"|utente|gebruiker(?:s)?|klant|u[żz]ytkownik\w*|konta|пользовател\w+|аккаунт\w*|клиент\w*"
    r"|användare[n]?|bruker(?:en)?|bruger(?:en)?|kullan[ıi]c[ıi]\w*"
    r"|用户|会员|账户|帐户|账号|ユーザー?|アカウント"
)
CREDITS = (
    r"|crediti|gettoni|punti|tegoed|punten|kredyt(?:y|[óo]w)?|punkt[óo]w|кредит\w*|балл\w*|токен\w*"
    r"|krediter|kreditter|poäng|poeng|kredi(?:ler)?|puan"
    r"|积分|点数|额度|金币|クレジット|ポイント"
)
PAST = (
    r"|accreditat[oaie]|aggiunt[oaie]|ricaricat[oaie]|assegnat[oaie]|toegevoegd|bijgeschreven"
    r"|gecrediteerd|toegekend|dodan[oye]|przyznan[oye]|doładowan[oye]|начислен\w*|зачислен\w*"
    r"|добавлен\w*|пополнен\w*"
    r"|tillagd[ae]?|tilldela[dt]e?|lagt till?|tilføjet|krediterade?s?|eklendi|y[üu]klendi"
)
SAYS_ALL = r"|accreditat[oaie]|gecrediteerd|зачислен\w*|начислен\w*"
FAIL = (
    r"|non valid[oaie]|no (?:es |fue )?v[áa]lid[oa]s?|n[ãa]o (?:[ée] )?v[áa]lid[oa]|fallit[oaie]"
    r"|ogiltig\w*|ugyldig\w*|ge[çc]ersiz|misslyck\w*|mislyk\w*"
    r"|ongeldig\w*|mislukt|nieprawidłow\w*|nieudan\w*|неверн\w*|недействительн\w*|не прошл\w*"
)
SIGNATURE = r"|imza\w*|handtekening|podpis\w*|подпис\w*"
# Each with the outcome that it says; before the words of ``wordings`` of the same outcome.
OUTCOMES = {
    "signature_refused": (
        r"(?:签名|署名).{0,20}?(?:失败|无效|不匹配|错误|不正确|失敗|無効|不正|一致しま)"
        r"|(?:无效|错误|無効|不正)[^\n]{0,10}?(?:签名|署名)"
    ),
    "resolution_failed": (
        rf"(?:(?:{WHO[1:]})(?: \S{{1,80}})? (?:non (?:[èe] stat[oa] )?trovat[oa]|sconosciut[oa]"
        r"|inesistente|niet gevonden|onbekend|nie (?:został )?znalezion\w*|nieznan\w*|не найден\w*"
        r"|неизвест\w*|hittades inte|saknas|(?:ble |blev )?ikke (?:fu?nn?et|fundet)|bulunamad[ıi]))"
        r"|(?:nessun|manca l['’]) ?utente|geen (?:\w+ )?gebruiker|brak (?:\w+ )?u[żz]ytkownika"
        r"|nie znaleziono (?:\w+ )?u[żz]ytkownika|нет пользовател\w*"
        r"|\b(?:no|n[ãa]o) (?:se |foi )?(?:pudo |ha |poss[íi]vel )?(?:encontr|hall|localiz"
        r"|identific|determin)\w* (?:\w+ ){0,3}(?:usuario|usu[áa]rio|cuenta|conta|cliente)"
        r"|\bnon trovat[oa] (?:\w+ )?utente"
        r"|(?:找不到|未找到|查不到|缺少|没有|无法(?:识别|确定|找到)|未知|无效)[^\n]{0,12}?"
        r"(?:用户|会员|账户|帐户|账号|user_?id)"
        r"|(?:用户|会员|账户|帐户|账号)[^\n]{0,60}?(?:不存在|未找到|找不到|无法识别|为空|缺失)"
        r"|(?:ユーザー?|アカウント)[^\n]{0,60}?(?:見つかり|存在しま|不明|特定でき|取得でき)"
        # What a program says of itself when the id is not there.
        r"|KeyError\W{1,6}(?:\w{1,20}_)?(?:user|account|customer)_?(?:id|uuid)\b"
        r"|undefined (?:array key|index|property)\W{1,6}\w{0,20}(?:user|account)_?id\b"
        r"|reading ['\"](?:user|account)_?id['\"]"
        r"|\b(?:\w+\.)*(?:user|account|profile)\w*\.?(?:DoesNotExist|NotFound)"
        r"|no query results for model \[[\w\\]*(?:user|account|profile)"
    ),
    "duplicate": (
        r"\bgi[àa] (?:stat[oa] )?(?:elaborat|accreditat|registrat|process)\w*|\breeds\b.{0,20}"
        r"(?:verwerkt|bijgeschreven|gecrediteerd)|ju[żz] (?:przetworzon|zaksi[ęe]gowan)\w*"
        r"|redan (?:behandla|kreditera)\w*|allerede (?:behandl|krediter)\w*"
        r"|zaten (?:i[şs]len|eklen)\w*"
        r"|уже (?:обработан|зачислен|начислен)\w*"
        r"|已(?:经)?(?:处理|入账|存在|到账)过?|重复(?:的)?(?:事件|请求|通知|处理)|処理済み|重複"
    ),
    "handler_error_not": (
        r"(?:充值|增加|添加|发放|入账|到账|更新)[^\n]{0,12}?失败|(?:付与|追加|加算)[^\n]{0,12}?失敗"
    ),
    "credited": (
        r"(?:增加|充值|添加|发放|赠送|到账|入账|加)[^\n]{0,60}?(?:积分|点数|额度|金币)"
        r"|(?:积分|点数|额度|金币)[^\n]{0,60}?(?:增加|充值|添加|发放|到账|入账|成功)"
        r"|(?:クレジット|ポイント)[^\n]{0,40}?(?:付与|追加|加算|チャージ)"
    ),
    "ignored": (
        r"\bignorat[oa]|\bsaltat[oa]|\bgenegeerd|\bovergeslagen|zignorowan\w*|pomini[ęe]t\w*"
        r"|\bignorera[dt]\w*|hoppar över|\batland[ıi]|yok say[ıi]ld[ıi]"
        r"|проигнорирован\w*|пропущен\w*|忽略|跳过|无需处理|無視|スキップ"
    ),
    "handler_error": (
        r"\bfel\b|\bmisslyck\w*|\bmislyk\w*|\bhata\b|ba[şs]ar[ıi]s[ıi]z"
        r"|\berrore\b|\bfallit[oa]\b|\bmislukt\b|\bfout\b|b[łl][ąa]d\b|nie powiod[łl]o|ошибк\w*"
        r"|не удалось|错误|失败|异常|エラー|失敗|例外"
    ),
}
ABOUT = (
    r"|metad|m[ée]tadonn|sess(?:ione|ie|[ãa]o)|sesi[óo]n|sesj\w+|pagament|betaling|p[łl]atno[śs]"
    r"|оплат|платеж|платёж|сесси|подпис|支付|付款|充值|会话|元数据|事件|订单|決済|支払|セッション"
    r"|メタデータ|イベント|署名|签名|积分|点数|额度|クレジット|ポイント"
)
# Letters of other scripts than Latin, no emoji or typographic marks.
_SCRIPTS = "[\u0370-\u1fff\u2e80-\ud7ff\uf900-\ufaff\uff66-\uffdc]"
_STEMS = (
    r"utent[ei]|credit[io]\b|accredit|elaborat|aggiunt|trovat|valid[oaie]\b|firma|metad|m[ée]tadonn"
    r"|encontr|localiz|gebruiker|klant\b|tegoed|toegev|bijgeschr|handtek|ongeldig|genegeerd"
    r"|ontvangen|niet\b|geen\b|mislukt|u[żz]ytk|kredyt|dodan|podpis|nieznal|brak\b|b[łl][ąa]d"
    r"|användar|brukere?n?\b|bruger|kreditt?er|poäng|kullan[ıi]c|kredi\b|hata\b|fel\b|ogiltig"
    r"|ugyldig|ge[çc]ersiz|redan\b|allerede|zaten\b|eklendi|misslyck|mislyk|imza|mottog|ba[şs]ar"
    r"|otrzym|zignor|KeyError|DoesNotExist|NotFound|undefined|reading ['\"]|no query results"
)
QUICK = rf"|{_STEMS}|{_SCRIPTS}"
MAY_BE = re.compile(rf"{_STEMS}|{_SCRIPTS}", re.IGNORECASE)
RECEIVES = (
    r"|mottog|mottatt|modtaget|al[ıi]nd[ıi]|ricevut\w*|in elaborazione"
    r"|ontvangen|verwerken|otrzyman\w*|получен\w*|обрабатыва\w*"
)
AMOUNT = r"|(?P<third>\d{1,15})\s*(?:个)?(?:积分|点数|额度|金币|クレジット|ポイント)"
